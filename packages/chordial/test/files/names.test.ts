import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ringIdOfHash } from '@chordial/ring';
import { parseCid } from '../../src/content/cid.ts';
import { ChordialError } from '../../src/errors.ts';
import { heldNames } from '../../src/peer/answered-files.ts';
import { signEntry } from '../../src/records/entry.ts';
import { nameEntry } from '../../src/records/name-entry.ts';
import { recordKeyOfName } from '../../src/records/record-keys.ts';
import { type DataPeer, dataNetwork, testNetworkId } from '../fixtures/data-network.ts';

async function* bytesOf(text: string | Uint8Array) {
  yield Buffer.from(text);
}
const code = (wanted: string) => (error: unknown) => error instanceof ChordialError && error.code === wanted;
const places = { bits: 256, teaching: false };

async function placesOf(peers: readonly DataPeer[], expected: readonly string[]) {
  return expected.map((host) => peers.find(({ contact }) => contact.host === host)!);
}

test('A2 A7 a publisher lists its own names by pages, and any peer lists all names', async () => {
  const { peers, close } = await dataNetwork(4);
  for (let file = 0; file < 7; file++) await peers[file % 2]!.files.put(`file ${file}`, bytesOf(`content ${file}`));
  const own: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await peers[0]!.files.list({ all: false, cursor, limit: 2 });
    assert.ok(page.files.length <= 2);
    own.push(...page.files.map(({ name }) => name!));
    cursor = page.cursor;
    if (cursor === null) break;
  }
  assert.deepEqual(own.sort(), ['file 0', 'file 2', 'file 4', 'file 6']);
  const all: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await peers[3]!.files.list({ all: true, cursor, limit: 3 });
    all.push(...page.files.map(({ name }) => name!));
    cursor = page.cursor;
    if (cursor === null) break;
  }
  assert.deepEqual(
    all,
    Array.from({ length: 7 }, (_, file) => `file ${file}`),
  );
  await assert.rejects(peers[0]!.files.list({ all: true, cursor: '???', limit: 1 }), code('bad-request'));
  await close();
});

test('A7 H8 a bare name is my own, else the pinned one, else the only one; a publisher selects exactly', async () => {
  const { peers, close } = await dataNetwork(4);
  const first = await peers[0]!.files.put('shared', bytesOf('by 0'));
  const second = await peers[1]!.files.put('shared', bytesOf('by 1'));
  assert.equal((await peers[0]!.files.resolve({ name: 'shared' })).cid, first.cid);
  assert.equal((await peers[0]!.files.resolve({ name: 'shared' })).others, 1);
  const publisher = first.publisher;
  const ambiguous = (error: unknown) => {
    assert.ok(error instanceof ChordialError && error.code === 'ambiguous-name', String(error));
    const choices = error.details['choices'] as readonly { publisher: string; cid: string }[];
    assert.deepEqual(choices.map(({ cid }) => cid).sort(), [first.cid, second.cid].sort());
    return true;
  };
  await assert.rejects(peers[2]!.files.resolve({ name: 'shared' }, { pins: true }), ambiguous);
  // Lookups without content do not pin.
  await peers[2]!.files.resolve({ name: 'shared', publisher });
  await assert.rejects(peers[2]!.files.resolve({ name: 'shared' }), ambiguous);
  await peers[2]!.files.resolve({ name: 'shared', publisher }, { pins: true });
  assert.equal((await peers[2]!.files.resolve({ name: 'shared' })).cid, first.cid);
  const again = await peers[1]!.files.put('shared', bytesOf('by 1, later'));
  assert.equal((await peers[2]!.files.resolve({ name: 'shared' })).cid, first.cid);
  await peers[2]!.files.resolve({ name: 'shared', publisher: second.publisher }, { pins: true });
  assert.equal((await peers[2]!.files.resolve({ name: 'shared' })).cid, again.cid);
  assert.equal((await peers[2]!.files.resolve({ name: 'shared', publisher })).cid, first.cid);
  assert.equal((await peers[2]!.files.resolve({ name: `shared@${publisher}` })).cid, first.cid);
  await peers[2]!.files.put('me@home', bytesOf('an @ that is no publisher'));
  assert.equal((await peers[3]!.files.resolve({ name: 'me@home' })).name, 'me@home');
  await close();
});

test('A7 a name put again has the new content everywhere', async () => {
  const { peers, close } = await dataNetwork(4);
  await peers[0]!.files.put('again', bytesOf('old'));
  const put = await peers[0]!.files.put('again', bytesOf('new'));
  for (const peer of peers) assert.equal((await peer.files.resolve({ name: 'again' })).cid, put.cid);
  await close();
});

test('B4 a removed name is gone everywhere; only its publisher removes it', async () => {
  const { peers, close } = await dataNetwork(4);
  await peers[0]!.files.put('mine', bytesOf('x'));
  await assert.rejects(peers[1]!.files.remove('mine'), code('not-publisher'));
  await assert.rejects(peers[1]!.files.remove('absent'), code('not-found'));
  await peers[0]!.files.remove('mine');
  for (const peer of peers) await assert.rejects(peer.files.resolve({ name: 'mine' }), code('not-found'));
  assert.deepEqual((await peers[2]!.files.list({ all: true, cursor: null, limit: 10 })).files, []);
  await close();
});

test('B4 stat counts the live copies of the rarest block and names the holders', async () => {
  const { peers, network, close } = await dataNetwork(5);
  const put = await peers[0]!.files.put('counted', bytesOf(randomBytes(2_500_000)));
  const whole = await peers[1]!.files.stat({ name: 'counted' });
  assert.equal(whole.blocks, 4);
  assert.equal(whole.copies, 3);
  assert.ok(whole.holders.length >= 3);
  const root = parseCid(put.cid);
  const holder = (
    await Promise.all(peers.slice(1).map(async (peer) => ({ peer, size: await peer.blocks.size(root) })))
  ).find(({ size }) => size !== null)!;
  network.setHealth(holder.peer.contact.host, 'dead');
  assert.equal((await peers[0]!.files.stat({ cid: put.cid })).copies, 2);
  await close();
});

test('B4 a name is read from two places: a stale one is outvoted by a newer entry', async () => {
  const { peers, ring, close } = await dataNetwork(6);
  await peers[0]!.files.put('stale', bytesOf('old'));
  const key = recordKeyOfName('stale', places);
  const holders = await placesOf(peers, ring.expectedPlaces(ringIdOfHash(key, 256), 3));
  const stale = holders[0]!;
  const before = stale.records.get(key, 'name', null, 10).items;
  const put = await peers[0]!.files.put('stale', bytesOf('new'));
  await stale.records.remove(before);
  await stale.records.put(before);
  const reader = peers.find((peer) => !holders.includes(peer) && peer !== peers[0])!;
  assert.equal((await reader.files.resolve({ name: 'stale' })).cid, put.cid);
  await close();
});

test('B3 a forged entry is neither stored by a holder nor believed by a reader', async () => {
  const { peers, ring, close } = await dataNetwork(6);
  const put = await peers[0]!.files.put('forged', bytesOf('right'));
  const other = await peers[1]!.files.put('other', bytesOf('wrong'));
  const [liar] = peers.slice(2);
  const content = { name: 'forged', cid: parseCid(other.cid), size: 5, type: 'file', sha256: null, blocks: 1 } as const;
  const now = Date.now() + 1000;
  const forged = signEntry(
    nameEntry(content, { publisher: peers[0]!.contact.host, sequence: now, time: now, expiry: null }),
    testNetworkId,
    (bytes) => liar!.identity.sign(bytes),
  );
  const key = recordKeyOfName('forged', places);
  const holders = await placesOf(peers, ring.expectedPlaces(ringIdOfHash(key, 256), 3));
  for (const holder of holders) {
    const answer = await liar!.transport.request(
      holder.contact,
      'records.put',
      { entries: [forged.bytes] },
      { deadline: 1000 },
    );
    assert.deepEqual(answer, { results: ['bad-content'] });
  }
  // Holders that lie; the publisher trusts its own table.
  const { kind, publisher, subject, sequence, expiry } = forged.entry;
  for (const holder of holders.filter((one) => one !== peers[0]).slice(0, 2))
    await holder.records.put([{ kind, publisher, subject, key, sequence, expiry, bytes: forged.bytes }]);
  for (const peer of peers) assert.equal((await peer.files.resolve({ name: 'forged' })).cid, put.cid);
  await close();
});

test('B4 an entry from the future is refused', async () => {
  const { peers, close } = await dataNetwork(3);
  const put = await peers[0]!.files.put('now', bytesOf('x'));
  const content = { name: 'later', cid: parseCid(put.cid), size: 1, type: 'file', sha256: null, blocks: 1 } as const;
  const later = Date.now() + 700_000;
  // By its sequence, and by its claimed time, which would make it the newest for ever.
  for (const [sequence, time] of [[later, later] as const, [Date.now(), 8e15] as const]) {
    const entry = signEntry(
      nameEntry(content, { publisher: peers[0]!.contact.host, sequence, time, expiry: null }),
      testNetworkId,
      (bytes) => peers[0]!.identity.sign(bytes),
    );
    const body = { entries: [entry.bytes] };
    const answer = await peers[0]!.transport.request(peers[1]!.contact, 'records.put', body, { deadline: 1000 });
    assert.deepEqual(answer, { results: ['wrong-clock'] });
  }
  await close();
});

test('A22 a peer with an endless list of names does not block a listing', async () => {
  const { peers, close } = await dataNetwork(3);
  await peers[0]!.files.put('listed', bytesOf('x'));
  const request = peers[1]!.registry.request.bind(peers[1]!.registry);
  peers[1]!.registry.request = async (from, kind, body) =>
    kind === 'records.list' ? { entries: [], cursor: 'here still' } : request(from, kind, body);
  const { files } = await peers[2]!.files.list({ all: true, cursor: null, limit: 10 });
  assert.deepEqual(
    files.map(({ name }) => name),
    ['listed'],
  );
  await close();
});

test('B4 a host that moved to another address is given records there', async () => {
  const { peers, network, ring, close } = await dataNetwork(2);
  assert.equal((await peers[0]!.files.put('before', bytesOf('x'))).copies, 2);
  const { transport, registry, identity } = peers[1]!;
  await transport.close();
  const moved = network.transport(identity.host);
  await moved.serve({
    request: (from, kind, body) => registry.request(from, kind, body),
    stream: (from, kind, incoming) => registry.stream(from, kind, incoming),
  });
  ring.move(moved.contact);
  assert.equal((await peers[0]!.files.put('after', bytesOf('y'))).copies, 2);
  await moved.close();
  await close();
});

test('A5 a name stays findable when two of its holders are dead', async () => {
  const { peers, ring, network, close } = await dataNetwork(6);
  await peers[0]!.files.put('alive', bytesOf('x'));
  const expected = ring.expectedPlaces(ringIdOfHash(recordKeyOfName('alive', places), 256), 3);
  for (const host of expected.slice(0, 2)) network.setHealth(host as never, 'dead');
  for (const peer of peers.filter(({ contact }) => !expected.slice(0, 2).includes(contact.host))) {
    assert.equal((await peer.files.resolve({ name: 'alive' })).name, 'alive');
  }
  await close();
});

test('A23 a peer logs in plain words what it published and removed', async () => {
  const { peers, close } = await dataNetwork(3);
  await peers[0]!.files.put('told', bytesOf('x'));
  await peers[0]!.files.remove('told');
  assert.match(
    peers[0]!.events.find(({ kind }) => kind === 'published')!.text,
    /Published file "told": 1 B, bafk\w+, 3 copies\./,
  );
  assert.ok(peers[0]!.events.some(({ kind }) => kind === 'removed'));
  await close();
});

test('case 9: an unreadable record does not stop listing, search or removal of the others', async () => {
  const { peers, close } = await dataNetwork(3);
  const put = await peers[0]!.files.put('readable', bytesOf('x'));
  const own = peers[0]!.contact.host;
  const now = Date.now();
  const content = { name: 'a', cid: parseCid(put.cid), size: 1, type: 'file', sha256: null, blocks: 1 } as const;
  const signed = nameEntry(content, { publisher: own, sequence: now, time: now, expiry: null });
  const odd = signEntry({ ...signed, body: { ...signed.body, size: -1 } }, testNetworkId, (bytes) =>
    peers[0]!.identity.sign(bytes),
  );
  const row = (name: string, bytes: Uint8Array) => ({
    ...{ kind: 'name', publisher: own, subject: Buffer.from(name), sequence: now, expiry: null, bytes },
    key: recordKeyOfName(name, places),
  });
  // Signed but empty; and bytes corrupted on disk.
  for (const { records } of peers) await records.put([row('a', odd.bytes)]);
  await peers[0]!.records.put([row('b', Uint8Array.of(0xff, 0x00))]);
  await peers[1]!.records.put([row('readable 2', Uint8Array.of(0xff, 0x00))]);
  for (const all of [true, false]) {
    const { files } = await peers[0]!.files.list({ all, cursor: null, limit: 10 });
    assert.deepEqual(
      files.map(({ name }) => name),
      ['readable'],
    );
  }
  const found: string[] = [];
  for await (const hits of heldNames(peers[1]!.records, () => true, Date.now))
    found.push(...hits.map((hit) => hit.name));
  assert.deepEqual(found, ['readable']);
  assert.equal((await peers[2]!.files.resolve({ name: 'readable' })).cid, put.cid);
  for (const name of ['a', 'b']) await assert.rejects(peers[0]!.files.resolve({ name }), code('not-found'));
  await peers[0]!.files.remove('readable');
  await close();
});

for (const replicas of [1, 2, 3]) {
  test(`case 1 the list of a publisher is complete after repair, joins, leaves and removals, with r = ${replicas}`, async () => {
    const rule = { replicas, writeQuorum: Math.min(2, replicas) };
    const { peers, ring, network, join, close } = await dataNetwork(2, {}, { rule });
    const ownNames = async (peer: DataPeer): Promise<readonly (string | null)[]> => {
      const page = await peer.files.list({ all: false, cursor: null, limit: 100 });
      return page.files.map(({ name }) => name).sort();
    };
    const repair = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) for (const { beginRepair } of there()) await beginRepair().round();
    };
    const gone = new Set<DataPeer>();
    const there = (): readonly DataPeer[] => peers.filter((peer) => !gone.has(peer));
    const publisher = peers[0]!;
    const names = Array.from({ length: 20 }, (_, file) => `file ${String(file).padStart(2, '0')}`);
    for (const name of names) await publisher.files.put(name, bytesOf(name));
    await repair();
    assert.deepEqual(await ownNames(publisher), names);
    for (let joined = 0; joined < 4; joined++) await join();
    await repair();
    assert.deepEqual(await ownNames(publisher), names);
    // A host with all of them at their places leaves.
    const leaver = peers[1]!;
    await leaver.handOverEverything();
    await leaver.close();
    gone.add(leaver);
    ring.declareDead(leaver.contact.host);
    network.setHealth(leaver.contact.host, 'dead');
    await repair();
    assert.deepEqual(await ownNames(publisher), names);
    await publisher.files.remove(names[0]!);
    await publisher.files.put(names[1]!, bytesOf('replaced'));
    await repair();
    assert.deepEqual(await ownNames(publisher), names.slice(1));
    // Other hosts do not keep items whose places are elsewhere.
    for (const { records, contact } of there()) {
      if (contact.host === publisher.contact.host) continue;
      for (const { key, kind } of records.range('all', null, 1000).items)
        assert.ok(kind !== 'name' || ring.expectedPlaces(ringIdOfHash(key, 256), replicas).includes(contact.host));
    }
    await close();
  });
}

test('H8 a name pinned to one publisher is not taken from another when that one is gone', async () => {
  const { peers, close } = await dataNetwork(4);
  const first = await peers[0]!.files.put('report', bytesOf('right'));
  assert.equal((await peers[2]!.files.resolve({ name: 'report' }, { pins: true })).cid, first.cid);
  const other = await peers[1]!.files.put('report', bytesOf('another'));
  assert.equal((await peers[2]!.files.resolve({ name: 'report' }, { pins: true })).cid, first.cid);
  await peers[0]!.files.remove('report');
  await assert.rejects(peers[2]!.files.resolve({ name: 'report' }, { pins: true }), code('publisher-changed'));
  const publisher = other.publisher;
  assert.equal((await peers[2]!.files.resolve({ name: 'report', publisher }, { pins: true })).cid, other.cid);
  assert.equal((await peers[2]!.files.resolve({ name: 'report' })).cid, other.cid);
  await peers[1]!.files.remove('report');
  await assert.rejects(peers[2]!.files.resolve({ name: 'report' }), code('not-found'));
  // Others never got it.
  assert.equal((await peers[0]!.files.put('report', bytesOf('new'))).publisher, first.publisher);
  await assert.rejects(peers[2]!.files.resolve({ name: 'report' }), code('publisher-changed'));
  await peers[3]!.files.resolve({ name: 'report' }, { pins: true });
  await close();
});

test('H8 identical bytes under one name are not ambiguous, and do not pin', async () => {
  const { peers, close } = await dataNetwork(4);
  const first = await peers[0]!.files.put('same', bytesOf('same'));
  await peers[1]!.files.put('same', bytesOf('same'));
  assert.equal((await peers[2]!.files.resolve({ name: 'same' }, { pins: true })).cid, first.cid);
  await peers[1]!.files.put('same', bytesOf('no longer'));
  await assert.rejects(peers[2]!.files.resolve({ name: 'same' }, { pins: true }), code('ambiguous-name'));
  await close();
});
