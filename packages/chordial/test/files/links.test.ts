import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCid } from '../../src/content/cid.ts';
import { type LinkId, linkSubject } from '../../src/links/link-address.ts';
import { linkEntry } from '../../src/links/link-record.ts';
import type { LinkWish } from '../../src/links/links.ts';
import { signEntry, type UnsignedEntry } from '../../src/records/entry.ts';
import { linkKey } from '../../src/records/record-keys.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { type DataPeer, dataNetwork, testNetworkId } from '../fixtures/data-network.ts';
import { until } from '../fixtures/until.ts';

const day = 86_400_000;

async function* bytesOf(text: string) {
  yield Buffer.from(text);
}

async function wishFor(peer: DataPeer, name: string): Promise<LinkWish> {
  const { cid, size } = await peer.files.put(name, bytesOf(`content of ${name}`));
  return { type: 'file', name, cid: parseCid(cid), size, timeToLive: day };
}

/** How many hold a record of the link, tombstones included. */
function held(peers: readonly DataPeer[], id: LinkId): number {
  const key = linkKey(linkSubject(id));
  return peers.filter(({ records }) => records.get(key, 'link', null, 10).items.length > 0).length;
}

test('B13 a link is read at every member, also when its sender is dead, and no list or search shows it', async () => {
  const { peers, network, close } = await dataNetwork(6);
  const [sender, ...others] = peers as [DataPeer, ...DataPeer[]];
  const wish = await wishFor(sender, 'photo.jpg');
  const made = await sender.links.createLink(wish);
  const again = await sender.links.createLink({ ...wish, password: 'open', times: 2 });
  assert.equal(made.path, `/s/${made.id}/photo.jpg`);
  assert.equal(again.path, `/s/${again.id}`);
  assert.deepEqual(new Set(sender.links.listLinks().map(({ id }) => id)), new Set([made.id, again.id]));
  assert.ok(held(peers, made.id) >= 2);
  network.setHealth(sender.contact.host, 'dead');
  for (const { links } of others) {
    const link = await links.readLink(made.id);
    assert.deepEqual(link?.content, {
      type: 'file',
      name: 'photo.jpg',
      root: wish.cid,
      size: wish.size,
      sealedPart: null,
    });
    assert.equal(link?.publisher, sender.contact.host);
    const locked = await links.readLink(again.id);
    assert.ok(locked !== null && locked.content === null && locked.times === 2);
    await assert.rejects(links.openLink(locked, null), { code: 'wrong-password' });
    assert.deepEqual(await links.openLink(locked, 'open'), link?.content);
  }
  assert.deepEqual(
    (await others[0]!.files.list({ all: true, cursor: null, limit: 10 })).files.map(({ name }) => name),
    ['photo.jpg'],
  );
  const listing = others[0]!.transport.request(
    others[1]!.contact,
    recordMessages.list.kind,
    { kind: 'link', cursor: null, limit: 10 },
    { deadline: 1000 },
  );
  await assert.rejects(listing, /none of name, provider, posting/);
  await close();
});

test('B13 a link that was taken back is gone at every member, and does not come back', async () => {
  const { peers, join, close } = await dataNetwork(5);
  const sender = peers[0]!;
  const made = await sender.links.createLink(await wishFor(sender, 'mine'));
  const other = await sender.links.createLink(await wishFor(sender, 'mine too'));
  const doors = [...peers];
  for (const { links } of doors) assert.ok((await links.readLink(made.id)) !== null);
  await assert.rejects(peers[1]!.links.removeLink(made.id), { code: 'not-publisher' });
  await assert.rejects(peers[1]!.links.removeLink('a'.repeat(16) as LinkId), { code: 'not-found' });
  await sender.links.removeLink(made.id);
  await until('it is gone at every door', async () => {
    const read = await Promise.all(doors.map(({ links }) => links.readLink(made.id)));
    return read.every((link) => link === null);
  });
  assert.deepEqual(
    sender.links.listLinks().map(({ id }) => id),
    [other.id],
  );
  await assert.rejects(sender.links.removeLink(made.id), { code: 'not-found' });
  const joined = await join();
  for (const peer of peers) peer.begin();
  assert.equal(await joined.links.readLink(made.id), null);
  assert.ok((await joined.links.readLink(other.id)) !== null);
  await close();
});

test('B13 an expired link is unknown everywhere and its rows are freed; one of too long a life is refused', async () => {
  const { peers, close } = await dataNetwork(4);
  const sender = peers[0]!;
  const made = await sender.links.createLink({ ...(await wishFor(sender, 'short')), timeToLive: 1000 });
  for (const { links } of peers) assert.ok((await links.readLink(made.id)) !== null);
  await until('it has expired', async () => (await peers[1]!.links.readLink(made.id)) === null);
  assert.equal(sender.links.listLinks().length, 1);
  for (const { records } of peers) await records.expire(Date.now(), 100);
  assert.equal(held(peers, made.id), 0);
  const now = Date.now();
  const publisher = sender.contact.host;
  const secret = new Uint8Array(16);
  const unsigned = await linkEntry(
    {
      publisher,
      secret,
      sequence: now,
      expiry: now + 367 * day,
      content: { type: 'drop', name: 'Inbox', most: 1 },
      password: null,
      from: 'me',
      times: null,
    },
    secret,
  );
  const put = async (entry: UnsignedEntry): Promise<readonly string[]> => {
    const { bytes } = signEntry(entry, testNetworkId, (signed) => sender.identity.sign(signed));
    return peers[1]!.recordHolder.put(sender.contact, [bytes]);
  };
  assert.deepEqual(await put(unsigned), ['bad-content']);
  assert.deepEqual(await put({ ...unsigned, expiry: null }), ['bad-content']);
  assert.deepEqual(await put({ ...unsigned, subject: new Uint8Array(31), expiry: now + day }), ['bad-content']);
  assert.deepEqual(await put({ ...unsigned, expiry: now + day }), ['stored']);
  for (const timeToLive of [0, 367 * day])
    await assert.rejects(sender.links.createLink({ ...(await wishFor(sender, 'x')), timeToLive }), {
      code: 'bad-usage',
    });
  await close();
});

test('B13 records of others under the key of a link do not hide it', async () => {
  const { peers, close } = await dataNetwork(5);
  const sender = peers[0]!;
  const made = await sender.links.createLink(await wishFor(sender, 'mine'));
  for (const forger of peers.slice(1)) {
    const publisher = forger.contact.host;
    const subject = linkSubject(made.id);
    const now = Date.now() + 1000;
    await forger.linkRecords.publish({
      kind: 'link',
      subject,
      publisher,
      sequence: now,
      expiry: now + day,
      body: { sealed: new Uint8Array(40) },
    });
  }
  const door = peers[4]!;
  assert.equal((await door.links.readLink(made.id))?.publisher, sender.contact.host);
  await peers[3]!.linkRecords.end(linkSubject(made.id), { sequence: Date.now() + 2000, expiry: Date.now() + day });
  assert.equal((await peers[2]!.links.readLink(made.id))?.publisher, sender.contact.host);
  await close();
});

test('B13 a door counts whole fetches up to the times of a link, and its sender is told', async () => {
  const { peers, close } = await dataNetwork(4);
  const [sender, door, other] = peers as [DataPeer, DataPeer, DataPeer];
  const made = await sender.links.createLink({ ...(await wishFor(sender, 'twice')), times: 2 });
  const link = await door.links.readLink(made.id);
  assert.ok(link !== null);
  const part = door.links.beginFetch(link, false);
  part?.ended({ bytes: 5, isComplete: true });
  const broken = door.links.beginFetch(link, true);
  broken?.ended({ bytes: 5, isComplete: false });
  const first = door.links.beginFetch(link, true);
  const second = door.links.beginFetch(link, true);
  assert.equal(door.links.beginFetch(link, true), null);
  first?.ended({ bytes: 10, isComplete: true });
  first?.ended({ bytes: 10, isComplete: true });
  second?.ended({ bytes: 10, isComplete: true });
  for (const isWhole of [true, false]) assert.equal(door.links.beginFetch(link, isWhole), null);
  assert.ok(other.links.beginFetch(link, true) !== null);
  sender.links.beginFetch(link, true)?.ended({ bytes: 7, isComplete: true });
  const told = await until('the sender is told', () => {
    const [one] = sender.links.listLinks();
    return one?.fetches.length === 2 ? one : null;
  });
  assert.equal(told.fetched, 3);
  assert.deepEqual(
    new Map(told.fetches.map(({ door: by, bytes, whole }) => [by, [bytes, whole]])),
    new Map([
      [door.contact.host, [30, 2]],
      [sender.contact.host, [7, 1]],
    ]),
  );
  await close();
});
