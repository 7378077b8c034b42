import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { type Contact, type MemberPointer, ringId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { countProcessorTime } from '../../test/fixtures/processor-time.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity, type Identity, verifySignature } from '../network/identity.ts';
import { type Transport, TransportError } from '../network/transport.ts';
import { Registry } from '../wire/message.ts';
import { Broadcast, type QueryTold } from './broadcast.ts';
import { Expressions } from './expressions.ts';
import type { Hit } from './hit.ts';
import { signedQuestion } from './search-messages.ts';

const bits = 16;
const expressions = new Expressions();
after(() => expressions.close());
/** Its matching does not end. */
const endless = 'endless';
/** What threads take does not pass on a virtual clock. */
const timeless: Pick<Expressions, 'check' | 'match'> = {
  check: async (source) => (source === endless ? undefined : expressions.check(source)),
  match: async (source, names) =>
    source === endless ? new Promise(() => {}) : { ...(await expressions.match(source, names)), milliseconds: 0 },
};

function fileAt(source: Contact, name: string): Hit {
  const root = cidOfBlock(rawCodec, Buffer.from(name));
  return { name, root, size: name.length, type: 'file', sha256: null, source, isShared: true, time: 1 };
}

/** Own members, and of each the next four and some that are farther and farther away, as fingers are. */
function fewMembers(members: readonly MemberPointer[], { host }: Contact): readonly MemberPointer[] {
  const steps = [0, 1, 2, 3, 4, 8, 16, 32, 64];
  const known = new Set(
    members.flatMap(({ contact }, at) =>
      contact.host === host ? steps.map((step) => members[(at + step) % members.length]!) : [],
    ),
  );
  return members.filter((member) => known.has(member));
}

/** Hosts that know one another, each with two members and one file named after its number. */
/** The first so many hosts are clients, which have no places; only those that they speak to know where they are. */
function networkOf(count: number, dead: ReadonlySet<number> = new Set(), knowAll = true, clients = 0) {
  const { clock } = virtualClock();
  const identities = Array.from({ length: count }, () => createIdentity());
  const contacts = identities.map(({ host }): Contact => ({ host, addresses: ['127.0.0.1:1'] }));
  const members = contacts
    .flatMap((contact, place) =>
      (place < clients ? [] : [0, 1]).map(
        (index) => ({ id: ringId((place * 7919 + index * 31_337) % 2 ** bits, bits), index, contact }) as MemberPointer,
      ),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const told: (QueryTold & { host: number })[] = [];
  let messages = 0;
  const hosts: Broadcast[] = contacts.map((self, place) => {
    const request: Transport['request'] = async (to, kind, body) => {
      messages += 1;
      const at = contacts.findIndex(({ host }) => host === to.host);
      if (dead.has(at)) throw new TransportError('unreachable', 'it is dead');
      return hosts[at]!.answerIn(new Registry<Contact, null>()).request(self, kind, body);
    };
    return new Broadcast(
      {
        view: { self },
        networkId: 'test',
        sign: (bytes) => identities[place]!.sign(bytes),
        verify: verifySignature,
        places: { bits, teaching: false },
        transport: { request } as Transport,
        clock,
        members: () => (knowAll ? members : fewMembers(members, self)),
        isDead: () => false,
        files: async function* () {
          yield [fileAt(self, `Report ${place}.pdf`), fileAt(self, 'other.txt')];
        },
      },
      timeless,
      (what) => told.push({ ...what, host: place }),
    );
  });
  const ask = async (pattern: string, hops = 64, maxHits = 1000) => {
    const hits: Hit[] = [];
    const asked = { id: randomUUID(), pattern, hops, maxHits, milliseconds: 5000 };
    const reached = await hosts[0]!.ask(asked, (found) => hits.push(...found));
    return { hits, reached };
  };
  return { ask, hosts, told, messages: () => messages, contacts, identities, clock };
}

test('A16 a broadcast finds the files of all, each host looks once, and hits come from each holder', async () => {
  for (const count of [1, 2, 9, 60]) {
    const network = networkOf(count);
    const { hits, reached } = await network.ask('REPORT');
    assert.equal(hits.length, count);
    assert.equal(new Set(hits.map(({ source }) => source.host)).size, count);
    assert.deepEqual(reached, { answered: count, missed: 0 });
    assert.equal(network.told.filter(({ role }) => role === 'answered').length, count);
  }
});

test('A16 in a small ring every peer gets one message', async () => {
  const network = networkOf(9);
  await network.ask('nothing like it');
  assert.equal(network.messages(), 8);
});

test('A16 glob, expression, hash and CID are matched', async () => {
  const network = networkOf(5);
  assert.equal((await network.ask('report ?.pdf')).hits.length, 5);
  assert.equal((await network.ask('/Report [12]/')).hits.length, 2);
  assert.equal((await network.ask(cidOfBlock(rawCodec, Buffer.from('other.txt')).toString())).hits.length, 5);
  assert.equal((await network.ask('')).hits.length, 10);
  await assert.rejects(network.ask('/(unclosed/'), /not understood/);
});

test('A22 an expression that would take others for ever is answered at once', async () => {
  const spent = countProcessorTime();
  await networkOf(3).ask('/(a+)+(b|a)*(a*)*$[^a]/');
  assert.ok(spent() < 2000);
});

test('A22 a search of names does not wait for an expression that is being matched', async () => {
  const { ask } = networkOf(2);
  void ask(`/${endless}/`);
  const { hits } = await ask('report*');
  assert.deepEqual(hits.map(({ name }) => name).sort(), ['Report 0.pdf', 'Report 1.pdf']);
});

test('A16 hosts that do not answer are gone around and counted, and the hop limit ends the way', async () => {
  const network = networkOf(60, new Set([3, 17, 40]));
  const { hits, reached } = await network.ask('report');
  assert.equal(hits.length, 57);
  assert.equal(reached.answered, 57);
  assert.equal(reached.missed >= 3, true);
  const near = await networkOf(60).ask('report', 1);
  assert.equal(near.hits.length < 60 && near.hits.length > 1, true, `${near.hits.length}`);
});

test('A16 where one that is gone was to hand a part on, those whom no one else knows there are reached as well', async () => {
  for (const first of Array.from({ length: 19 }, (_, number) => number + 1)) {
    const gone = [first, first + 20, first + 40];
    const network = networkOf(60, new Set(gone), false);
    const { reached } = await network.ask('report');
    assert.equal(reached.answered, 60 - gone.length, gone.join());
    assert.equal(network.told.filter(({ role }) => role === 'answered').length, 60 - gone.length);
  }
});

test('A16 no more hits are taken than wanted', async () => {
  assert.equal((await networkOf(20).ask('report', 64, 7)).hits.length, 7);
});

test('A22 who asks without end is refused by each host, not answered', async () => {
  const network = networkOf(2);
  for (let count = 0; count < 30; count++) assert.equal((await network.ask('report')).hits.length, 2);
  const { hits, reached } = await network.ask('report');
  assert.equal(hits.length, 1);
  assert.equal(reached.missed, 1);
});

/** A question put straight to host 1 by host 0, in the name of `asker`. */
function inTheNameOf(network: ReturnType<typeof networkOf>, asker: Identity, from = network.contacts[0]!) {
  const member = ringId(0, bits);
  const parts = [{ member, end: member }];
  const signed = { id: randomUUID(), pattern: 'nothing', most: 10, time: network.clock.wallTime() };
  const signature = asker.sign(signedQuestion('test', signed));
  const question = { ...signed, signature, asker: asker.host, parts, hops: 0, left: 1000 };
  return network.hosts[1]!.asked(from, question);
}

test('A22 a peer that asks under changing names is refused as well', async () => {
  const network = networkOf(2);
  for (let count = 0; count < 300; count++) await inTheNameOf(network, createIdentity());
  await assert.rejects(inTheNameOf(network, createIdentity()), { code: 'busy' });
});

test('A22 no one uses up the questions of another by asking in its name', async () => {
  const network = networkOf(3);
  const victim = network.identities[2]!;
  for (let count = 0; count < 30; count++) await inTheNameOf(network, victim);
  await assert.rejects(inTheNameOf(network, victim), { code: 'busy' });
  await inTheNameOf(network, victim, network.contacts[2]!);
});

test('L a question that its asker has not signed is refused, or one of another day, and nothing is sent anywhere', async () => {
  const network = networkOf(3);
  const victim = network.identities[2]!;
  const forger: Identity = { ...createIdentity(), host: victim.host, sign: (bytes) => createIdentity().sign(bytes) };
  await assert.rejects(inTheNameOf(network, forger), { code: 'bad-request' });
  const wall = network.clock.wallTime;
  network.clock.wallTime = () => wall() + 2 * 86_400_000;
  const late = inTheNameOf({ ...network, clock: { ...network.clock, wallTime: wall } }, victim);
  await assert.rejects(late, { code: 'bad-request' });
  assert.equal(network.messages(), 0);
});

test('L an asker that is no known member has its hits handed up the tree', async () => {
  const network = networkOf(20, new Set(), true, 1);
  const { hits, reached } = await network.ask('report');
  assert.equal(hits.length, 19);
  assert.deepEqual(reached, { answered: 19, missed: 0 });
});
