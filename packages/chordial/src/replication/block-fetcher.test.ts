import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import { CID } from 'multiformats/cid';
import { identity } from 'multiformats/hashes/identity';
import { TestStop } from '../../test/fixtures/stop-switch.ts';
import { hashingHere } from '../content/block-hashing.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool, leafBytes } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { type IncomingPayload, type RequestOptions, TransportError } from '../network/transport.ts';
import { BlockFetcher, type Sharers } from './block-fetcher.ts';
import { absentSize, blockMessages, unknownSize } from './block-messages.ts';
import type { DataPorts } from './data-ports.ts';

const bytes = Buffer.from('some bytes of a block');
const cid = cidOfBlock(rawCodec, bytes);
const wrong = Buffer.from('other bytes of a bloc');
const self = contactOf('self');

/** `silent` never answers, `fails` at once; `unknown`: the host lacks it and is not authoritative; `stopped` by its limit. */
type Reply = 'has' | 'absent' | 'unknown' | 'wrong' | 'silent' | 'fails' | 'stopped';

/** Hosts that answer 10 ms after they are asked, in a time that the test lets pass. */
function scene(replies: Readonly<Record<string, Reply>> = {}, replicas = 3) {
  const { clock, pass } = virtualClock();
  const state = {
    replies: { ...replies } as Record<string, Reply>,
    takes: {} as Record<string, number>,
    /** Pieces of a payload, each after so many milliseconds. */
    pieces: {} as Record<string, { readonly every: (at: number) => number; readonly bytes: (at: number) => number }>,
    /** Hosts whose block comes ten seconds later, and whether the own limit or theirs is why. */
    late: {} as Record<string, 'slow' | 'held back' | 'source held back'>,
    content: bytes as Uint8Array,
    likely: Object.keys(replies).map(contactOf) as readonly Contact[] | Error,
    hosts: [] as readonly Contact[],
    own: null as Uint8Array | Error | null,
    /** Milliseconds until the own copy is read. */
    ownTakes: 0,
    shared: null as Uint8Array | null,
    dead: new Set<string>(),
    unresponsive: new Set<string>(),
    holders: [] as readonly Contact[],
  };
  const asked: { readonly host: string; readonly at: number }[] = [];
  const contacts: Contact[] = [];
  const suspected: string[] = [];
  const reports: string[] = [];
  const damaged: CID[] = [];
  const pointedPlaces: (readonly string[])[] = [];
  const counts = { cleared: 0, read: 0 };
  const later = (time: number) => new Promise<void>((resolve) => clock.after(time, resolve));
  async function* payloadOf(host: string): AsyncGenerator<Uint8Array> {
    const sent = state.replies[host] === 'wrong' ? wrong : state.content;
    const piece = state.pieces[host];
    if (piece === undefined) yield sent;
    else
      for (let at = 0; at < sent.length; ) {
        await later(piece.every(at));
        const until = at + piece.bytes(at);
        yield sent.subarray(at, until);
        at = until;
      }
  }
  const latePayload = (host: string): IncomingPayload => ({
    [Symbol.asyncIterator]: () => payloadOf(host),
    receive: async (receiver) => {
      for (let waited = 0; waited < 10_000; waited += 250) {
        await later(250);
        if (state.late[host] === 'held back') receiver.heldBack?.();
        if (state.late[host] === 'source held back') receiver.senderHeldBack?.();
      }
      const block = await receiver.allocate(0, state.content.length);
      block.set(state.content);
      receiver.progress?.(block.length);
      receiver.complete(0, block);
    },
  });
  const stream = async (to: Contact, kind: string, _: unknown, { deadline, signal }: RequestOptions) => {
    assert.equal(kind, blockMessages.get.kind);
    const { host } = to;
    asked.push({ host, at: clock.now() });
    contacts.push(to);
    const reply = state.replies[host] ?? 'absent';
    if (reply === 'fails') throw new TransportError('unreachable', `${host} is not there`);
    if (reply === 'stopped') throw new TransportError('refused', `${host} moves no files`, 'stopped');
    if (reply === 'silent') {
      await Promise.race([later(deadline), new Promise((resolve) => signal?.addEventListener('abort', resolve))]);
      throw new TransportError('timeout', `${host} is silent`);
    }
    await later(state.takes[host] ?? 10);
    const size = { absent: absentSize, unknown: unknownSize }[reply as string] ?? state.content.length;
    const sent = state.late[host] === undefined ? payloadOf(host) : latePayload(host);
    return { header: blockMessages.get.encodeAnswer({ sizes: [size] }), payload: size < 0 ? [] : sent };
  };
  const ports = {
    view: {
      self,
      shape: { bits: 256, successors: 4 },
      hosts: () => state.hosts,
      isDead: (host: HostId) => state.dead.has(host),
      suspect: ({ host }: Contact) => suspected.push(host),
    },
    placement: {
      likely: async () => {
        if (state.likely instanceof Error) throw state.likely;
        return { hosts: state.likely };
      },
      clear: () => {
        counts.cleared += 1;
      },
    },
    transport: { stream, request: async () => assert.fail('a request') },
    unresponsivePeers: {
      isSilent: (host: HostId) => state.unresponsive.has(host),
      responsiveFirst: <Asked>(some: readonly Asked[], hostOf: (one: Asked) => HostId) =>
        [...some].sort((a, b) => Number(state.unresponsive.has(hostOf(a))) - Number(state.unresponsive.has(hostOf(b)))),
    },
    blocks: {
      isRemote: true,
      get: async () => {
        counts.read += 1;
        if (state.ownTakes > 0) await later(state.ownTakes);
        if (state.own instanceof Error) throw state.own;
        return state.own;
      },
    },
    shared: { read: async () => state.shared },
    called: (host: HostId) => host,
    clock,
    leaves: new LeafPool(),
    hashing: hashingHere,
    damaged: (which: CID) => damaged.push(which),
    report: (what: string, { host }: Contact) => reports.push(`${what} ${host}`),
  } as unknown as DataPorts;
  const pointers = {
    holders: async (_: CID, places: readonly Contact[]) => {
      pointedPlaces.push(places.map(({ host }) => host));
      return state.holders;
    },
  };
  const fetcher = new BlockFetcher(ports, replicas, pointers);
  const turn = async (): Promise<void> => {
    for (let count = 0; count < 4; count++) await new Promise((resolve) => setImmediate(resolve));
  };
  /** Lets time pass until the block is there, or it failed. */
  const outcome = async (fetching: Promise<Uint8Array>, most = 20_000): Promise<Buffer | ChordialError> => {
    let done: Buffer | ChordialError | null = null;
    fetching.then(
      (found) => {
        done = Buffer.from(found);
      },
      (error: ChordialError) => {
        done = error;
      },
    );
    await turn();
    for (let passed = 0; done === null && passed < most; passed += 10) {
      pass(10);
      await turn();
    }
    return done ?? assert.fail('no end');
  };
  const order = () => asked.map(({ host }) => host);
  return {
    state,
    fetcher,
    ports,
    clock,
    outcome,
    order,
    asked,
    contacts,
    suspected,
    reports,
    damaged,
    pointedPlaces,
    counts,
  };
}

const refused = (outcome: Buffer | ChordialError): string =>
  outcome instanceof ChordialError ? outcome.code : assert.fail('it was found');

test('B2 the own copy is taken, then that in a shared file, and no host is asked', async () => {
  const own = scene({ a: 'has' });
  own.state.own = bytes;
  assert.deepEqual(await own.outcome(own.fetcher.fetch(cid)), bytes);
  const shared = scene({ a: 'has' });
  shared.state.shared = bytes;
  assert.deepEqual(await shared.outcome(shared.fetcher.fetch(cid)), bytes);
  const inline = scene({ a: 'has' });
  const inlined = CID.createV1(rawCodec, identity.digest(bytes));
  assert.deepEqual(await inline.outcome(inline.fetcher.fetch(inlined)), bytes);
  assert.deepEqual([own.order(), shared.order(), inline.order(), inline.counts.read], [[], [], [], 0]);
});

test('case 18 an own copy that is damaged or cannot be read is reported, and the block comes from elsewhere', async () => {
  const broken = scene({ a: 'has' });
  broken.state.own = wrong;
  broken.state.shared = bytes;
  assert.deepEqual(await broken.outcome(broken.fetcher.fetch(cid)), bytes);
  assert.deepEqual([broken.damaged, broken.reports, broken.order()], [[cid], ['wrong-bytes self'], ['a']]);
  const unreadable = scene({ a: 'has' });
  unreadable.state.own = new Error('EIO');
  assert.deepEqual(await unreadable.outcome(unreadable.fetcher.fetch(cid)), bytes);
  assert.deepEqual([unreadable.damaged, unreadable.reports], [[], ['wrong-bytes self']]);
  const elsewhere = scene({ a: 'has' });
  elsewhere.state.own = bytes;
  await elsewhere.outcome(elsewhere.fetcher.fetchElsewhere(cid));
  assert.deepEqual([elsewhere.order(), elsewhere.counts.read], [['a'], 0]);
});

test('B14 an own copy in a store that is slow or away is not waited for where another host has the block', async () => {
  const slow = scene({ a: 'has' });
  slow.state.own = bytes;
  slow.state.ownTakes = 4_000;
  assert.deepEqual(await slow.outcome(slow.fetcher.fetch(cid)), bytes);
  assert.deepEqual(
    slow.asked.map(({ at }) => at),
    [1000],
  );
  const alone = scene({ a: 'absent' });
  alone.state.own = bytes;
  alone.state.ownTakes = 4_000;
  assert.deepEqual(await alone.outcome(alone.fetcher.fetch(cid)), bytes);
  const away = new ChordialError('store-away', 'the store does not answer');
  for (const ownTakes of [0, 4_000]) {
    const elsewhere = scene({ a: 'has' });
    Object.assign(elsewhere.state, { own: away, ownTakes });
    assert.deepEqual(await elsewhere.outcome(elsewhere.fetcher.fetch(cid)), bytes);
    const nowhere = scene({ a: 'absent' });
    Object.assign(nowhere.state, { own: away, ownTakes });
    assert.equal(await nowhere.outcome(nowhere.fetcher.fetch(cid)), away);
    assert.deepEqual(nowhere.damaged, []);
  }
  const damaged = scene({ a: 'has' });
  damaged.state.own = new ChordialError('bad-content', 'other bytes');
  assert.deepEqual(await damaged.outcome(damaged.fetcher.fetch(cid)), bytes);
  assert.deepEqual(damaged.damaged, [cid]);
});

test('case 18 an own copy that is absent, damaged or unreadable comes from elsewhere without listeners too', async () => {
  for (const own of [null, wrong, new Error('EIO')]) {
    const { state, ports, outcome, order } = scene({ a: 'has' });
    state.own = own;
    for (const port of ['shared', 'damaged', 'report']) Reflect.deleteProperty(ports, port);
    assert.deepEqual(await outcome(new BlockFetcher(ports, 3).fetch(cid)), bytes);
    assert.deepEqual(order(), ['a']);
  }
});

test('B2 places are asked in turn, those after them next, hosts that are silent now last of each, and never this one', async () => {
  const found = scene({ a: 'absent', self: 'has', b: 'fails', c: 'absent', d: 'absent', e: 'has' });
  found.state.unresponsive.add('a').add('d');
  assert.deepEqual(await found.outcome(found.fetcher.fetch(cid)), bytes);
  assert.deepEqual(found.order(), ['b', 'c', 'a', 'e', 'd'], 'the silent one is joined at once');
  assert.deepEqual(
    found.asked.slice(0, 2).map(({ at }) => at),
    [0, 0],
    'one that fails is replaced at once',
  );
  const first = scene({ a: 'has', b: 'has' });
  assert.deepEqual(await first.outcome(first.fetcher.fetch(cid)), bytes);
  assert.deepEqual(first.order(), ['a'], 'one that answers is enough');
});

test('B2 of the places the one expected to deliver first is asked first', async () => {
  const { state, fetcher, outcome, order } = scene({ a: 'has', b: 'has', c: 'absent' });
  state.takes = { a: 100, b: 10 };
  await outcome(fetcher.fetch(cid));
  state.replies['a'] = 'absent';
  await outcome(fetcher.fetch(cid));
  assert.deepEqual(order(), ['a', 'b'], 'an untried one is worth trying');
  state.replies['a'] = 'has';
  state.replies['b'] = 'has';
  await outcome(fetcher.fetch(cid));
  assert.equal(order()[2], 'c');
  assert.equal(order()[3], 'b');
});

test('A7 what all hosts lack is looked for once more with places looked up again, then given up', async () => {
  const { fetcher, outcome, asked, counts, pointedPlaces } = scene({
    a: 'absent',
    b: 'absent',
    c: 'absent',
    d: 'absent',
  });
  const end = await outcome(fetcher.fetch(cid));
  assert.equal(refused(end), 'no-live-source');
  assert.match((end as ChordialError).message, /\b4\b/);
  assert.deepEqual(
    asked.map(({ host, at }) => `${host} ${at}`),
    ['a 0', 'b 10', 'c 20', 'd 30', 'a 340', 'b 350', 'c 360', 'd 370'],
  );
  assert.equal(counts.cleared, 1);
  assert.deepEqual(pointedPlaces, [['a', 'b', 'c']], 'the places alone know where a full one sent it');
});

test('A7 where one host failed and all others lack it, two looks are enough, as where there is no host at all', async () => {
  const { fetcher, outcome, order } = scene({ a: 'absent', b: 'fails' });
  const end = await outcome(fetcher.fetch(cid));
  assert.equal(refused(end), 'no-live-source');
  assert.match(
    (end as ChordialError).message,
    /\(1 said that they do not have it\)\. Try again when more peers are up\.$/,
  );
  assert.deepEqual(order(), ['a', 'b', 'a']);
  // One that fails after it said so may have it by now.
  const later = scene({ a: 'absent' });
  let asked = 0;
  const reply = (): Reply => (++asked === 1 ? 'absent' : 'fails');
  Object.defineProperty(later.state.replies, 'b', { get: reply });
  later.state.likely = ['a', 'b'].map(contactOf);
  assert.equal(refused(await later.outcome(later.fetcher.fetch(cid))), 'no-live-source');
  assert.deepEqual(later.order(), ['a', 'b', 'a', 'b', 'a']);
  const none = scene();
  assert.equal(refused(await none.outcome(none.fetcher.fetch(cid))), 'no-live-source');
  assert.equal(none.counts.cleared, 1);
});

test('A7 while a host may not have it yet it is looked for five times', async () => {
  const { fetcher, outcome, order } = scene({ a: 'unknown', b: 'absent' });
  assert.equal(refused(await outcome(fetcher.fetch(cid))), 'no-live-source');
  assert.equal(order().filter((host) => host === 'b').length, 5);
});

test('A7 a block that arrives while it is looked for is found', async () => {
  const { state, fetcher, outcome } = scene({ a: 'absent', b: 'absent' });
  const fetching = outcome(fetcher.fetch(cid));
  setImmediate(() => {
    state.replies['b'] = 'has';
  });
  assert.deepEqual(await fetching, bytes);
});

/** Fetches a block from the sharer, which then fails until so many milliseconds have passed, and another block. */
async function afterLoss(failure: Reply, milliseconds: number, places: Readonly<Record<string, Reply>> = {}) {
  const made = scene({ a: 'absent', ...places });
  const { state, fetcher, outcome, clock } = made;
  state.replies['s'] = 'has';
  const sharers = sharing(['s']);
  assert.deepEqual(await outcome(fetcher.fetch(cid, undefined, sharers)), bytes);
  state.replies['s'] = failure;
  clock.after(milliseconds, () => {
    state.replies['s'] = 'has';
  });
  const since = clock.now();
  const end = await outcome(fetcher.fetch(cid, undefined, sharers));
  return { ...made, sharers, end, took: clock.now() - since };
}

test('B10 a source that delivered and is lost is awaited for 15 s, though no other has the block', async () => {
  for (const failure of ['fails', 'silent'] as const) {
    const { end, took } = await afterLoss(failure, 8000);
    assert.deepEqual(end, bytes, failure);
    assert.ok(took < 12_500, `${failure}: ${took} ms`);
  }
  const gone = await afterLoss('fails', 60_000);
  assert.equal(refused(gone.end), 'no-live-source');
  assert.ok(gone.took > 14_000 && gone.took < 17_000, `${gone.took} ms`);
  assert.ok(gone.order().length < 60, `${gone.order().length} questions`);
  // That is once, not for each block.
  const since = gone.clock.now();
  assert.equal(refused(await gone.outcome(gone.fetcher.fetch(cid, undefined, gone.sharers))), 'no-live-source');
  assert.ok(gone.clock.now() - since < 2000);
});

test('B2 a sharer that fails is asked again, though all others say that they do not have it', async () => {
  const { state, fetcher, outcome, clock, asked } = scene({ a: 'absent' });
  state.replies['s'] = 'fails';
  clock.after(1100, () => {
    state.replies['s'] = 'has';
  });
  assert.deepEqual(await outcome(fetcher.fetch(cid, undefined, sharing(['s']))), bytes);
  assert.ok(asked.at(-1)!.at < 1500, JSON.stringify(asked));
});

test('B10 one that delivered and now answers that it does not have it is not awaited, nor one that is dead', async () => {
  for (const answer of ['absent', 'stopped'] as const) {
    const { end, took } = await afterLoss(answer, 60_000);
    assert.equal(refused(end), 'no-live-source');
    assert.ok(took < 2000, `${answer}: ${took} ms`);
  }
  const lost = await afterLoss('fails', 60_000);
  lost.state.replies['s'] = 'has';
  await lost.outcome(lost.fetcher.fetch(cid, undefined, lost.sharers));
  lost.state.replies['s'] = 'fails';
  lost.state.dead.add('s');
  const since = lost.clock.now();
  assert.equal(refused(await lost.outcome(lost.fetcher.fetch(cid, undefined, lost.sharers))), 'no-live-source');
  assert.ok(lost.clock.now() - since < 2000);
});

test('B2 hosts to which full places point are asked in the next round, before the places', async () => {
  const { state, fetcher, outcome, order } = scene({ a: 'absent' });
  state.holders = [self, contactOf('h')];
  state.replies['h'] = 'has';
  assert.deepEqual(await outcome(fetcher.fetch(cid)), bytes);
  assert.deepEqual(order(), ['a', 'h']);
  const without = scene({ a: 'absent' });
  const alone = new BlockFetcher(without.ports, 3);
  assert.equal(refused(await without.outcome(alone.fetch(cid))), 'no-live-source');
});

test('B2 while the ring does not say who owns it every host is asked; other faults are told', async () => {
  const { state, fetcher, outcome, order } = scene({ a: 'has' });
  state.likely = new ChordialError('no-live-source', 'no owner');
  state.hosts = [contactOf('a')];
  assert.deepEqual(await outcome(fetcher.fetch(cid)), bytes);
  assert.deepEqual(order(), ['a']);
  const broken = scene({ a: 'has' });
  broken.state.likely = new TypeError('bug');
  await assert.rejects(broken.fetcher.fetch(cid), TypeError);
});

test('B2 a source that is silent for 300 ms is joined by the next, and the first answer counts', async () => {
  const { fetcher, outcome, asked, suspected } = scene({ a: 'silent', b: 'silent', c: 'has' });
  assert.deepEqual(await outcome(fetcher.fetch(cid)), bytes);
  assert.deepEqual(asked, [
    { host: 'a', at: 0 },
    { host: 'b', at: 300 },
    { host: 'c', at: 600 },
  ]);
  assert.deepEqual(suspected, ['a', 'b']);
  const late = scene({ a: 'has', b: 'has' });
  late.state.takes = { a: 400, b: 500 };
  const since = late.clock.now();
  assert.deepEqual(await late.outcome(late.fetcher.fetch(cid)), bytes);
  assert.deepEqual([late.order(), late.clock.now() - since], [['a', 'b'], 400]);
});

test('B2 a source known to be silent is joined at once', async () => {
  const { state, fetcher, outcome, asked } = scene({ a: 'silent', b: 'silent', c: 'has' });
  for (const host of ['a', 'b', 'c']) state.unresponsive.add(host);
  assert.deepEqual(await outcome(fetcher.fetch(cid)), bytes);
  assert.ok(
    asked.every(({ at }) => at < 20),
    JSON.stringify(asked),
  );
});

test('B2 a source that sends less than 64 KiB in a second is joined by the next, and comes last for a while', async () => {
  for (const [bytesPerPiece, isSlow] of [
    [6000, true],
    [7000, false],
  ] as const) {
    const { state, fetcher, outcome, asked } = scene({ a: 'has', b: 'has' });
    state.content = Buffer.alloc(200_000, 7);
    const large = cidOfBlock(rawCodec, state.content);
    state.pieces['a'] = { every: () => 100, bytes: () => bytesPerPiece };
    assert.deepEqual(await outcome(fetcher.fetch(large)), Buffer.from(state.content));
    assert.equal(
      asked.some(({ host }) => host === 'b'),
      isSlow,
      `${bytesPerPiece}`,
    );
    if (!isSlow) continue;
    assert.ok(asked[1]!.at >= 1000 && asked[1]!.at <= 1300, `${asked[1]!.at}`);
    await outcome(fetcher.fetch(large));
    assert.equal(asked[2]?.host, 'b');
  }
});

test('B2 a source that becomes slow is joined too, a second later', async () => {
  const { state, fetcher, outcome, asked } = scene({ a: 'has', b: 'has' });
  state.content = Buffer.alloc(200_000, 7);
  const large = cidOfBlock(rawCodec, state.content);
  state.pieces['a'] = { every: () => 100, bytes: (at) => (at < 100_000 ? 10_000 : 1000) };
  assert.deepEqual(await outcome(fetcher.fetch(large)), Buffer.from(state.content));
  assert.equal(asked[1]?.host, 'b');
  assert.ok(asked[1].at > 1500 && asked[1].at < 3000, `${asked[1].at}`);
});

test('B11 a source that the own limit lets wait is not taken for slow', async () => {
  for (const late of ['held back', 'slow'] as const) {
    const { state, fetcher, outcome, order } = scene({ a: 'has', b: 'has' });
    state.late['a'] = late;
    assert.deepEqual(await outcome(fetcher.fetch(cid)), bytes);
    assert.deepEqual(order(), late === 'slow' ? ['a', 'b'] : ['a']);
  }
});

test('B11 a source that its own limit holds back is awaited where it is the only one, and is not taken for silent', async () => {
  const alone = scene({ a: 'has' });
  alone.state.late['a'] = 'source held back';
  assert.deepEqual(await alone.outcome(alone.fetcher.fetch(cid)), bytes);
  assert.deepEqual([alone.suspected, alone.reports], [[], []]);
  const two = scene({ a: 'has', b: 'has' });
  two.state.late['a'] = 'source held back';
  const since = two.clock.now();
  assert.deepEqual(await two.outcome(two.fetcher.fetch(cid)), bytes);
  assert.deepEqual([two.order(), two.suspected], [['a', 'b'], []]);
  assert.ok(two.clock.now() - since < 1500, `${two.clock.now() - since}`);
});

test('B11 a source whose limit is "stop" is passed over, and named where there is no other', async () => {
  const two = scene({ a: 'stopped', b: 'has' });
  assert.deepEqual(await two.outcome(two.fetcher.fetch(cid)), bytes);
  const alone = scene({ a: 'stopped', b: 'absent' });
  const end = await alone.outcome(alone.fetcher.fetch(cid));
  assert.equal(refused(end), 'no-live-source');
  assert.match((end as ChordialError).message, /limit of their own keeps these from sending now: a \(a:1\)\./);
  assert.deepEqual(alone.suspected, []);
});

test('A7 the only source is asked again after it failed', async () => {
  const { state, fetcher, outcome, asked } = scene({ a: 'fails' });
  const fetching = outcome(fetcher.fetch(cid));
  setImmediate(() => {
    state.replies['a'] = 'has';
  });
  assert.deepEqual(await fetching, bytes);
  assert.ok(asked[1]!.at >= 1000 && asked[1]!.at <= 1300, `${asked[1]!.at}`);
});

test('B11 during a stop nothing is fetched for people, what is here is read', async () => {
  const { state, ports, outcome, order } = scene({ a: 'has' });
  const stop = new TestStop('The limit is stop.');
  const stopped = new BlockFetcher({ ...ports, stop }, 3);
  assert.equal(refused(await outcome(stopped.fetch(cid))), 'stopped');
  assert.deepEqual(order(), []);
  const repairing = new BlockFetcher({ ...ports, stop }, 3, null, 'repair');
  assert.deepEqual(await outcome(repairing.fetch(cid)), bytes);
  state.own = bytes;
  assert.deepEqual(await outcome(stopped.fetch(cid)), bytes);
});

test('B2 a source that falls silent amid the block is joined 300 ms after its last byte', async () => {
  const { state, fetcher, outcome, asked } = scene({ a: 'has', b: 'has' });
  state.pieces['a'] = { every: (at) => (at < 10 ? 100 : 9000), bytes: () => 5 };
  assert.deepEqual(await outcome(fetcher.fetch(cid)), bytes);
  assert.deepEqual(asked, [
    { host: 'a', at: 0 },
    { host: 'b', at: 510 },
  ]);
});

test('B2 what a source says that was not waited for any more leads to no further question', async () => {
  for (const [reply, takes] of [
    ['silent', 0],
    ['absent', 400],
  ] as const) {
    const { state, fetcher, outcome, order } = scene({ a: reply, b: 'has', c: 'has' });
    state.takes = { a: takes, b: 50 };
    assert.deepEqual(await outcome(fetcher.fetch(cid)), bytes);
    await assert.rejects(outcome(new Promise<never>(() => undefined), 4000), /no end/);
    assert.deepEqual(order(), ['a', 'b'], reply);
  }
});

test('B2 when the block is there no host is watched any more', async () => {
  const { fetcher, outcome, order, suspected } = scene({ a: 'has', b: 'has' });
  await outcome(fetcher.fetch(cid));
  await assert.rejects(outcome(new Promise<never>(() => undefined), 1000), /no end/);
  assert.deepEqual([order(), suspected], [['a'], []]);
});

test('B2 a get that is interrupted asks no further host', async () => {
  const before = scene({ a: 'has' });
  assert.equal(refused(await before.outcome(before.fetcher.fetch(cid, AbortSignal.abort()))), 'interrupted');
  assert.deepEqual(before.order(), []);
  const amid = scene({ a: 'silent', b: 'has' });
  const controller = new AbortController();
  const fetching = amid.outcome(amid.fetcher.fetch(cid, controller.signal));
  setImmediate(() => controller.abort());
  assert.equal(refused(await fetching), 'interrupted');
  const until = amid.order().length;
  await assert.rejects(amid.outcome(new Promise<never>(() => undefined), 2000), /no end/);
  assert.equal(amid.order().length, until);
  const done = scene({ a: 'has' });
  const unused = new AbortController();
  assert.deepEqual(await done.outcome(done.fetcher.fetch(cid, unused.signal)), bytes);
  unused.abort();
});

test('B2 a host that failed is left out for a second, then asked again', async () => {
  const { state, fetcher, outcome, order } = scene({ a: 'fails', b: 'has' });
  await outcome(fetcher.fetch(cid));
  await outcome(fetcher.fetch(cid));
  assert.deepEqual(order(), ['a', 'b', 'b']);
  state.replies = { a: 'has', b: 'absent' };
  await assert.rejects(outcome(new Promise<never>(() => undefined), 1000), /no end/);
  await outcome(fetcher.fetch(cid));
  assert.equal(order()[3], 'a');
});

test('B2 a host that has moved is asked where it is now', async () => {
  const { state, fetcher, outcome, contacts } = scene({ a: 'has' });
  await outcome(fetcher.fetch(cid));
  const moved = { host: 'a' as HostId, addresses: ['192.0.2.1:2'] };
  state.likely = [moved];
  await outcome(fetcher.fetch(cid));
  assert.equal(contacts[1], moved);
});

test('a buffer that is given back is used again', async () => {
  const { state, fetcher, outcome } = scene({ a: 'has' });
  state.content = Buffer.alloc(leafBytes, 1);
  const large = cidOfBlock(rawCodec, state.content);
  const first = fetcher.fetch(large);
  await outcome(first);
  fetcher.release(await first);
  const second = fetcher.fetch(large);
  await outcome(second);
  assert.equal(await second, await first);
});

function sharing(
  known: readonly string[],
  found: readonly string[] | null = null,
  from = 1,
): Sharers & { readonly finds: () => number } {
  let finds = 0;
  return {
    known: () => known.map(contactOf),
    find: async () => {
      finds += 1;
      return (finds < from ? known : (found ?? known)).map(contactOf);
    },
    finds: () => finds,
  };
}

test('B2 sharers are asked before the places, but not those that are dead, nor this host', async () => {
  const { state, fetcher, outcome, order } = scene({ a: 'has' });
  state.dead.add('s1');
  state.unresponsive.add('s2');
  state.replies['s3'] = 'absent';
  state.replies['s2'] = 'has';
  assert.deepEqual(await outcome(fetcher.fetch(cid, undefined, sharing(['self', 's1', 's2', 's3']))), bytes);
  assert.deepEqual(order(), ['s3', 's2', 'a'], 'the silent one is joined at once');
});

test('B2 of many sharers sixteen are asked', async () => {
  const { fetcher, outcome, order } = scene({ a: 'has' });
  const names = Array.from({ length: 20 }, (_, number) => `s${number}`);
  assert.deepEqual(await outcome(fetcher.fetch(cid, undefined, sharing(names))), bytes);
  assert.deepEqual(order(), [...names.slice(0, 16), 'a']);
});

test('B2 a sharer that is found while it is looked for is asked at once', async () => {
  const { state, fetcher, outcome, asked } = scene({ a: 'absent' });
  state.replies['new'] = 'has';
  const sharers = sharing([], ['new']);
  assert.deepEqual(await outcome(fetcher.fetch(cid, undefined, sharers)), bytes);
  assert.deepEqual(asked, [
    { host: 'a', at: 0 },
    { host: 'new', at: 10 },
  ]);
  assert.equal(sharers.finds(), 1);
  // With none that is new it pauses as without sharers.
  const same = scene({ a: 'absent' });
  await same.outcome(same.fetcher.fetch(cid, undefined, sharing(['s'])));
  assert.deepEqual(same.asked.map(({ host, at }) => `${host} ${at}`).slice(0, 4), ['s 0', 'a 10', 's 320', 'a 330']);
});

test('B2 of the sharers the one expected to deliver first is asked first', async () => {
  const { state, fetcher, outcome, order } = scene({});
  state.replies = { s: 'has', t: 'has' };
  state.takes = { s: 100 };
  const fetch = () => outcome(fetcher.fetch(cid, undefined, sharing(['s', 't'])));
  await fetch();
  await fetch();
  await fetch();
  assert.deepEqual(order(), ['s', 't', 't']);
});

test('B2 a sharer that is found at the very end is asked, and without one the end is not put off', async () => {
  const found = scene({ a: 'absent' });
  found.state.replies['new'] = 'has';
  assert.deepEqual(await found.outcome(found.fetcher.fetch(cid, undefined, sharing([], ['new'], 2))), bytes);
  const none = scene({ a: 'absent' });
  const since = none.clock.now();
  assert.equal(refused(await none.outcome(none.fetcher.fetch(cid, undefined, sharing(['s'])))), 'no-live-source');
  assert.equal(none.clock.now() - since, 340);
});

test('B2 who shared a content that has changed is named, this host too', async () => {
  const one = scene({ a: 'absent' });
  const message = async (fetched: ReturnType<typeof scene>, ...names: readonly string[]) => {
    const end = await fetched.outcome(fetched.fetcher.fetch(cid, undefined, sharing(names)));
    assert.equal(refused(end), 'no-live-source');
    return (end as ChordialError).message;
  };
  assert.match(await message(one, 's'), /^s \(s:1\), which shared the file, no longer has /);
  assert.match(await message(scene({ a: 'absent' }), 's', 't', 'u'), /^s \(s:1\) and 2 more .* no longer have /);
  assert.match(await message(scene({ a: 'absent' }), 'self'), /^self .* no longer has /);
  assert.match(await message(scene({ a: 'absent' }), 'self', 's'), /^s \(s:1\) and 1 more /);
  // Of one that does not answer nothing is known.
  const silent = scene({ a: 'absent' });
  silent.state.replies['s'] = 'silent';
  assert.doesNotMatch(await message(silent, 's'), /shared/);
});
