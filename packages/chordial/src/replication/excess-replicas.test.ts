import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Contact, HostId } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import type { CID } from 'multiformats/cid';
import { hashingHere } from '../content/block-hashing.ts';
import { blockKey, cidOfBlock, rawCodec } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { type RequestOptions, TransportError, type Wire } from '../network/transport.ts';
import { type EncodedEntry, signEntry } from '../records/entry.ts';
import { Catalog } from '../storage/catalog.ts';
import type { Claim } from '../storage/claim-table.ts';
import { indexedTables } from '../storage/indexed-tables.ts';
import { blockSet, type ItemSet, recordSet } from '../storage/item-index.ts';
import { MemoryBlockStore } from '../storage/memory-block-store.ts';
import { ExcessReplicas, keepAsCache } from './excess-replicas.ts';
import type { BlockMover } from './items/block-mover.ts';
import { challengeOf, proofsOf } from './possession.ts';
import { syncMessages } from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';

const self = contactOf('self');
const day = 24 * 3600 * 1000;
const never = new AbortController().signal;
const quiet = () => false;
const nothing = { dropped: 0, cached: 0, left: 0 };

interface Answers {
  held?: 'absent' | 'same' | 'other';
  isSure?: boolean;
  proof?: 'right' | 'wrong' | 'none';
  isMute?: boolean;
}

interface Known {
  readonly admittedAt: number | null;
  readonly firstSeenAt: number | null;
}

interface Options {
  readonly admission?: 'members' | 'open' | 'classroom';
  readonly keepOwn?: boolean;
  readonly quotaBytes?: number;
}

/** A host with its own tables among others, of which each answers as the test says; nothing leaves the process. */
function scene({ admission = 'classroom', keepOwn = true, quotaBytes = 1e9 }: Options = {}) {
  const { clock: running, random } = virtualClock();
  const time = { cached: 0 };
  const clock = { ...running, wallTime: () => state.now };
  const catalog = new Catalog(':memory:', { wallTime: () => time.cached });
  const { claims, index, records } = indexedTables(catalog, 3);
  const blocks = new MemoryBlockStore(quotaBytes, claims, index);
  const state = {
    now: 0,
    answers: {} as Record<string, Answers>,
    places: ['a', 'b', 'c', 'd', 'e'] as readonly string[],
    placesOf: new Map<string, readonly string[]>(),
    hosts: ['self', 'a', 'b', 'c', 'd', 'e'] as readonly string[],
    isLeaving: false,
    push: 'sent',
    exchange: true,
    known: { admittedAt: 0, firstSeenAt: 0 } as Known,
    knownOf: {} as Record<string, Known>,
    /** Hosts that follow every key as far as this one has heard; as the owners say unless given. */
    heard: null as readonly string[] | null,
    fails: false,
  };
  let walks = 0;
  const asked: { readonly host: string; readonly items: number; readonly isProof: boolean }[] = [];
  const moves: string[] = [];
  const withdrawn: string[] = [];
  const reports: string[] = [];
  const damaged: CID[] = [];
  const placesOf = (key: string) => state.placesOf.get(key) ?? state.places;
  const request = async ({ host }: Contact, kind: string, body: Wire, _: RequestOptions): Promise<Wire> => {
    if (kind === syncMessages.records.kind) {
      const { keys } = syncMessages.records.decode(body);
      moves.push(...keys.map((key) => `pull ${host} ${key}`));
      return syncMessages.records.encodeAnswer({ entries: keys.map(() => null) });
    }
    assert.equal(kind, syncMessages.holds.kind);
    const { items, nonce } = syncMessages.holds.decode(body);
    asked.push({ host, items: items.length, isProof: nonce !== null });
    const { held = 'same', isSure = true, proof = 'right', isMute = false } = state.answers[host] ?? {};
    if (isMute) throw new TransportError('timeout', 'silent');
    const answers = [];
    for (const { set, key, digest } of items) {
      const own = index.find(set, key)!;
      assert.equal(own.digest, digest);
      const challenge = nonce === null ? null : challengeOf(nonce, self.host, host);
      const [right = null] = challenge === null ? [] : ((await proofsOf(ports, set, own, [challenge])) ?? []);
      answers.push({
        held,
        confirmed: isSure,
        proof: proof === 'right' ? right : proof === 'none' ? null : Buffer.alloc(32, 7),
      });
    }
    return syncMessages.holds.encodeAnswer({ answers });
  };
  const ports = {
    view: {
      self,
      shape: { bits: 256, successors: 4 },
      hosts: () => state.hosts.map(contactOf),
      nearby: (at: string, most: number) => (state.heard ?? placesOf(at)).slice(0, most).map(contactOf),
    },
    placement: {
      places: async (key: string, wanted: number) => {
        walks += 1;
        return placesOf(key).slice(0, wanted).map(contactOf);
      },
    },
    transport: { request },
    membership: { admission, of: (host: string) => state.knownOf[host] ?? state.known },
    blocks,
    index,
    catalog,
    confirmed: {
      withdraw: (at: string) => {
        if (state.fails) throw new Error('the disk failed');
        withdrawn.push(`withdraw ${at}`);
      },
      disown: (at: string) => withdrawn.push(`disown ${at}`),
      withdrawAll: () => withdrawn.push('all'),
    },
    records: {
      table: records,
      isOwn: ({ publisher }: { publisher: string }) => publisher === 'self',
      keep: async () => 0,
      push: async ({ host }: Contact, entries: readonly EncodedEntry[]) =>
        moves.push(...entries.map(({ entry }) => `push ${host} record of ${entry.publisher}`)),
    },
    leavers: { isAny: () => state.isLeaving },
    replicas: 3,
    keepsOwn: () => keepOwn,
    clock,
    random,
    leaves: new LeafPool(),
    hashing: hashingHere,
    damaged: (cid: CID) => damaged.push(cid),
    report: (what: string, { host }: Contact) => reports.push(`${what} ${host}`),
  } as unknown as SyncPorts;
  const mover = {
    push: async ({ host }: Contact, cid: CID) => {
      moves.push(`push ${host} ${blockKey(cid)}`);
      return state.push;
    },
    exchangeClaims: async ({ host }: Contact, [cid]: readonly CID[]) => {
      moves.push(`claims ${host} ${blockKey(cid!)}`);
      return state.exchange;
    },
  } as unknown as BlockMover;
  let arrivals = 0;
  const excess = new ExcessReplicas(ports, mover, () => {
    arrivals += 1;
  });
  let made = 0;
  const put = async ({ publisher = 'P', replicas = 3, size = 100, isClaimed = true } = {}) => {
    const bytes = Buffer.alloc(size, `block ${made++}`);
    const cid = cidOfBlock(rawCodec, bytes);
    const claim: Claim = { publisher, name: 'n', sequence: 1, replicas };
    await blocks.put([{ cid, bytes, claims: isClaimed ? [claim] : [] }]);
    return { cid, key: blockKey(cid), bytes };
  };
  const record = async (publisher = 'P', sequence = 1, number = 0) => {
    const row = { kind: 'name', publisher, subject: Buffer.from(`s${number}`), key: '5a'.repeat(32), expiry: null };
    const entry = { ...row, kind: 'name', publisher: publisher as HostId, sequence, body: {} } as const;
    const { bytes } = signEntry(entry, 'ab'.repeat(32), () => new Uint8Array(64));
    await records.put([{ ...row, sequence, bytes }]);
    return index
      .items(recordSet, 'all', null, 1000)
      .items.find(({ record: at }) => records.byRow(at!)?.publisher === publisher)!.key;
  };
  const look = (everything = true, changed: () => boolean = quiet, signal = never) =>
    excess.remove(everything, changed, signal);
  const cache = (key: string, bytes = 100, set: ItemSet = blockSet(3)) =>
    catalog.write(() => index.addCached([{ set, key, bytes }]));
  const isCached = (key: string, set: ItemSet = blockSet(3)) => index.isCached(set, key);
  const has = async (cid: CID) => (await blocks.size(cid)) !== null;
  return {
    state,
    asked,
    moves,
    withdrawn,
    reports,
    damaged,
    excess,
    ports,
    blocks,
    index,
    records,
    put,
    record,
    look,
    cache,
    isCached,
    has,
    arrivals: () => arrivals,
    walks: () => walks,
    time,
  };
}

test('A8 what all its places hold and prove goes, and this host is no authority for it from then on', async () => {
  const { put, look, has, asked, withdrawn, moves, excess } = scene();
  assert.equal(excess.hasDue, true, 'what an earlier process left is looked at');
  const { cid, key } = await put();
  assert.deepEqual(await look(), { dropped: 1, cached: 0, left: 0 });
  assert.equal(await has(cid), false);
  assert.deepEqual(
    asked,
    ['a', 'b', 'c'].map((host) => ({ host, items: 1, isProof: true })),
  );
  assert.deepEqual([withdrawn, moves], [[`withdraw ${key}`], []]);
  assert.deepEqual(await look(false), nothing);
  assert.equal(excess.hasDue, false);
  assert.equal(asked.length, 3);
});

test('A8 a record that all its places hold and prove goes too', async () => {
  const { record, look, records, withdrawn } = scene();
  await record();
  assert.deepEqual(await look(), { dropped: 1, cached: 0, left: 0 });
  assert.equal(records.count(), 0);
  assert.deepEqual(withdrawn, [`withdraw ${'5a'.repeat(32)}`]);
});

test('A8 what has a place here stays and is asked of none; as cache it becomes a replica', async () => {
  const { state, put, look, has, asked, cache, isCached, withdrawn } = scene();
  state.places = ['a', 'self', 'b'];
  const { cid, key } = await put();
  await cache(key);
  assert.deepEqual(await look(), nothing);
  assert.deepEqual([await has(cid), isCached(key), asked, withdrawn], [true, false, [], []]);
});

test('A8 a block that no put claims is left to those that free such blocks', async () => {
  const { put, look, asked, has } = scene();
  const { cid } = await put({ isClaimed: false });
  assert.deepEqual(await look(), nothing);
  assert.deepEqual([asked, await has(cid)], [[], true]);
});

test('A8 nothing goes while a place does not answer, is not sure, lacks it or cannot prove it', async () => {
  const faults: readonly (readonly [Answers, readonly string[], readonly string[]])[] = [
    [{ isMute: true }, ['no-answer b'], []],
    [{ isSure: false }, [], []],
    [{ held: 'absent' }, [], ['push b']],
    [{ proof: 'none' }, [], []],
    [{ proof: 'wrong' }, ['wrong-bytes b'], []],
  ];
  for (const [fault, told, given] of faults) {
    const { state, put, look, has, reports, moves, excess, damaged, isCached } = scene();
    const { cid, key } = await put();
    state.answers['b'] = fault;
    const what = JSON.stringify(fault);
    assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 }, what);
    assert.deepEqual([await has(cid), isCached(key)], [true, false], what);
    assert.deepEqual(reports, told, what);
    assert.deepEqual(
      moves,
      given.map((move) => `${move} ${key}`),
      what,
    );
    assert.deepEqual(damaged, []);
    assert.equal(excess.hasDue, true, 'it is looked at again');
    state.answers = {};
    assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 }, what);
  }
});

test('A8 a copy that is damaged here is told, and no place is blamed for another proof', async () => {
  const { put, look, reports, damaged, blocks } = scene();
  const { cid, bytes } = await put();
  const right = blocks.get.bind(blocks);
  let reads = 0;
  // Damaged after the places have proved theirs.
  blocks.get = async (of) => (++reads <= 3 ? right(of) : Buffer.from(bytes).fill(0));
  assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
  assert.deepEqual([reports, damaged.map(String)], [[], [String(cid)]]);
});

test('A8 nothing goes when the own copy is gone before it is compared', async () => {
  const { put, look, reports, blocks, has } = scene();
  const { cid } = await put();
  const right = blocks.get.bind(blocks);
  let reads = 0;
  blocks.get = async (of) => (++reads <= 3 ? right(of) : null);
  assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
  assert.deepEqual([reports, await has(cid)], [[], true]);
});

test('A8 a place with a wrong proof is told of, also where the own copy went meanwhile, and for a record', async () => {
  const gone = scene();
  const { cid } = await gone.put();
  gone.state.answers['b'] = { proof: 'wrong' };
  const right = gone.blocks.get.bind(gone.blocks);
  let reads = 0;
  gone.blocks.get = async (of) => (++reads <= 4 ? right(of) : null);
  assert.deepEqual(await gone.look(), { dropped: 0, cached: 0, left: 1 });
  assert.deepEqual([gone.reports, await gone.has(cid)], [['wrong-bytes b'], true]);
  const named = scene();
  await named.record();
  named.state.answers['b'] = { proof: 'wrong' };
  assert.deepEqual(await named.look(), { dropped: 0, cached: 0, left: 1 });
  assert.deepEqual([named.reports, named.records.count()], [['wrong-bytes b'], 1]);
});

test('A8 an item that goes while its places prove it is looked at once more', async () => {
  const { put, look, reports, ports, index } = scene();
  await put();
  let answered = 0;
  const request = ports.transport.request.bind(ports.transport);
  ports.transport.request = async (...given) => {
    const answer = await request(...given);
    answered += 1;
    return answer;
  };
  const find = index.find.bind(index);
  index.find = (...given) => (answered < 3 ? find(...given) : null);
  assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
  assert.deepEqual(reports, []);
});

test('A8 without listeners for what goes wrong nothing goes either', async () => {
  for (const fault of [{ isMute: true }, { proof: 'wrong' }] as const)
    for (const isDamaged of [false, true]) {
      const { state, put, look, has, ports, blocks } = scene();
      Reflect.deleteProperty(ports, 'report');
      Reflect.deleteProperty(ports, 'damaged');
      const { cid, bytes } = await put();
      state.answers['b'] = fault;
      const right = blocks.get.bind(blocks);
      let reads = 0;
      blocks.get = async (of) => (++reads <= 4 || !isDamaged ? right(of) : Buffer.from(bytes).fill(0));
      assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
      assert.equal(await has(cid), true);
    }
});

test('A8 what a place has no room for waits until there may be some, and is no replica that is asked for again', async () => {
  const { state, put, look, excess, has } = scene();
  const { cid } = await put();
  state.answers['b'] = { held: 'absent' };
  state.push = 'full';
  assert.deepEqual(await look(), nothing);
  assert.equal(excess.hasDue, false);
  assert.equal(await has(cid), true);
  excess.lookAtWaiting();
  assert.equal(excess.hasDue, true);
  // One that is not sure is given its share by its owner; one that did not answer, or refused, may have room.
  state.answers['c'] = { isSure: false };
  assert.deepEqual(await look(false), nothing);
  assert.equal(excess.hasDue, false);
  excess.lookAtWaiting();
  state.answers['c'] = { held: 'other' };
  state.exchange = false;
  assert.deepEqual(await look(false), { dropped: 0, cached: 0, left: 1 });
  state.answers['c'] = { isMute: true };
  assert.deepEqual(await look(false), { dropped: 0, cached: 0, left: 1 });
  state.answers = {};
  assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
  assert.deepEqual(await look(false), nothing);
  excess.lookAtWaiting();
  assert.equal(excess.hasDue, false, 'each waits once');
});

test('A8 a place with other claims is given those of here, and holds it then', async () => {
  for (const exchange of [true, false]) {
    const { state, put, look, moves } = scene();
    const { key } = await put();
    state.answers['c'] = { held: 'other' };
    state.exchange = exchange;
    assert.deepEqual(await look(), exchange ? { dropped: 1, cached: 0, left: 0 } : { dropped: 0, cached: 0, left: 1 });
    assert.deepEqual(moves, [`claims c ${key}`]);
  }
});

test('A8 of another version of a record the newer one comes here and the older one is replaced', async () => {
  const { state, record, look, moves } = scene();
  const publisher = createIdentity().host;
  const key = await record(publisher);
  state.answers['a'] = { held: 'other' };
  assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
  assert.deepEqual(moves, [`pull a ${key}`, `push a record of ${publisher}`]);
});

test('A8 while the ring changes or a host leaves nothing is even asked, and all is looked at later', async () => {
  const refusals: readonly ((made: ReturnType<typeof scene>) => Promise<unknown>)[] = [
    ({ look }) => look(true, () => true),
    ({ look }) => look(true, quiet, AbortSignal.abort()),
    ({ look, state }) => {
      state.isLeaving = true;
      return look();
    },
  ];
  for (const refused of refusals) {
    const made = scene();
    await made.put();
    assert.deepEqual(await refused(made), { dropped: 0, cached: 0, left: 1 });
    assert.deepEqual([made.asked, made.excess.hasDue], [[], true]);
    made.state.isLeaving = false;
    assert.deepEqual(await made.look(false), { dropped: 1, cached: 0, left: 0 });
  }
});

test('A8 when the ring changes while places are asked, what they proved is kept until the next look', async () => {
  for (const isAborted of [false, true]) {
    const { put, look, has, excess } = scene();
    const { cid } = await put();
    const controller = new AbortController();
    let looks = 0;
    const changed = () => {
      looks += 1;
      if (looks === 2 && isAborted) controller.abort();
      return looks === 2 && !isAborted;
    };
    assert.deepEqual(await look(true, changed, controller.signal), { dropped: 0, cached: 0, left: 1 });
    assert.equal(await has(cid), true);
    assert.equal(excess.hasDue, true);
    assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
  }
});

test('A8 when the ring changes while places are asked, everything that is open is counted', async () => {
  const { state, put, look } = scene();
  const [, silent, few] = [await put(), await put(), await put()];
  state.placesOf.set(silent.key, ['b', 'c', 'd']);
  state.placesOf.set(few.key, ['a', 'b']);
  state.answers['d'] = { isMute: true };
  let looks = 0;
  assert.deepEqual(await look(true, () => ++looks === 2), { dropped: 0, cached: 0, left: 3 });
});

test('A8 a single place that is not known long enough keeps it here', async () => {
  const { state, put, look, has } = scene({ admission: 'open' });
  const { cid } = await put();
  state.now = 8 * day;
  state.knownOf['b'] = { admittedAt: null, firstSeenAt: 2 * day };
  assert.deepEqual(await look(), { dropped: 0, cached: 1, left: 0 });
  state.now = 9 * day;
  assert.equal(await has(cid), true);
  assert.deepEqual(await look(), { dropped: 1, cached: 0, left: 0 });
});

test('A8 with places that are not known long enough it becomes cache, and goes once they are', async () => {
  const known = (admittedAt: number | null, firstSeenAt: number | null) => ({ admittedAt, firstSeenAt });
  for (const [admission, known_, from] of [
    ['open', known(null, 1000), 1000 + 7 * day],
    ['open', known(2000, 1000), 1000 + 7 * day],
    ['members', known(500, 1000), 1000 + day],
    ['members', known(1000, 500), 1000 + day],
  ] as const) {
    const { state, put, look, has, asked, isCached } = scene({ admission });
    const { cid, key } = await put();
    state.known = known_;
    state.now = from - 1;
    assert.deepEqual(await look(), { dropped: 0, cached: 1, left: 0 });
    assert.ok(
      asked.every(({ isProof }) => !isProof),
      'no proof is needed to keep it',
    );
    assert.deepEqual([await has(cid), isCached(key)], [true, true]);
    assert.deepEqual(await look(), nothing, 'it is cache already');
    state.now = from;
    assert.deepEqual(await look(), { dropped: 1, cached: 0, left: 0 });
    assert.equal(isCached(key), false);
  }
  for (const [admission, unknown] of [
    ['open', known(0, null)],
    ['members', known(null, 0)],
    ['members', known(0, null)],
  ] as const) {
    const { state, put, look } = scene({ admission });
    await put();
    state.known = unknown;
    state.now = 1e15;
    assert.deepEqual(await look(), { dropped: 0, cached: 1, left: 0 }, JSON.stringify(unknown));
  }
  const classroom = scene();
  await classroom.put();
  classroom.state.known = known(null, null);
  assert.deepEqual(await classroom.look(), { dropped: 1, cached: 0, left: 0 });
});

test('A8 in a network with fewer hosts than replicas all are asked, and it stays as cache', async () => {
  const { state, put, look } = scene();
  state.hosts = ['self', 'a'];
  state.places = ['a', 'b'];
  await put();
  assert.deepEqual(await look(), { dropped: 0, cached: 1, left: 0 });
});

test('A8 with fewer places known than there are hosts, the look has ended too early to tell', async () => {
  const { state, put, look, asked, excess, withdrawn } = scene();
  state.places = ['a', 'b'];
  await put();
  assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
  assert.deepEqual([asked, withdrawn], [[], []]);
  assert.equal(excess.hasDue, true);
  state.places = ['a', 'b', 'c'];
  assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
});

test('A8 where no place is known nothing becomes cache', async () => {
  const { state, put, look, isCached } = scene();
  state.hosts = [];
  state.places = [];
  const { key } = await put();
  assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
  assert.equal(isCached(key), false);
});

test('A8 a block that is claimed again while it becomes cache is a replica of that put', async () => {
  const { put, look, blocks, isCached } = scene();
  const { cid, key } = await put({ publisher: 'self' });
  const size = blocks.size.bind(blocks);
  blocks.size = async (of) => {
    await blocks.claim([{ cid, claims: [{ publisher: 'Q', name: 'n', sequence: 1, replicas: 3 }] }]);
    return size(of);
  };
  assert.deepEqual(await look(), nothing);
  assert.equal(isCached(key), false);
});

test('A8 a block that goes while it becomes cache is none', async () => {
  const { put, look, blocks, index } = scene();
  const { cid, key } = await put({ publisher: 'self' });
  const size = blocks.size.bind(blocks);
  blocks.size = async (of) => {
    const bytes = await size(of);
    await blocks.delete([cid]);
    return bytes;
  };
  assert.deepEqual(await look(), nothing);
  assert.equal(index.findCached(blockSet(3), key), null);
});

test('A8 own publications stay: names always, blocks as cache where that is wanted', async () => {
  for (const keepOwn of [true, false]) {
    const { put, look } = scene({ keepOwn });
    await put({ publisher: 'self' });
    assert.deepEqual(await look(), keepOwn ? { dropped: 0, cached: 1, left: 0 } : { dropped: 1, cached: 0, left: 0 });
    const named = scene({ keepOwn });
    const key = await named.record('self');
    assert.deepEqual(await named.look(), { dropped: 0, cached: 1, left: 0 });
    assert.equal(named.isCached(key, recordSet), true);
    assert.equal(named.index.findCached(recordSet, key)?.bytes, 0);
  }
});

test('A8 cache that a place has lost counts as a replica again, and is given to it; a silent place is asked again', async () => {
  const { state, put, look, cache, isCached, moves, index, excess } = scene({ keepOwn: true });
  const { key } = await put({ publisher: 'self', size: 70 });
  await look();
  assert.equal(index.findCached(blockSet(3), key)?.bytes, 70);
  state.answers['c'] = { isMute: true };
  assert.deepEqual(await look(), nothing);
  assert.deepEqual([isCached(key), excess.hasDue], [true, false]);
  excess.lookAtWaiting();
  assert.equal(excess.hasDue, true);
  state.answers['c'] = { held: 'absent' };
  assert.deepEqual(await look(false), { dropped: 0, cached: 0, left: 1 });
  assert.equal(isCached(key), false);
  assert.deepEqual(moves, [`push c ${key}`]);
  // Known by all its places it needs no further look.
  state.answers['c'] = {};
  await look(false);
  excess.lookAtWaiting();
  assert.deepEqual([isCached(key), excess.hasDue], [true, false]);
  await cache(key);
});

test('A8 what arrives is looked at next, alone, and told; what belongs here is not even read', async () => {
  const { state, put, look, excess, asked, arrivals, has, index, walks } = scene();
  await put();
  await look();
  asked.length = 0;
  const before = arrivals();
  const fresh = await put();
  const own = await put();
  state.placesOf.set(own.key, ['self', 'a', 'b']);
  assert.ok(arrivals() >= before + 2);
  assert.equal(excess.hasDue, true);
  const read = new Set<string>();
  const find = index.find.bind(index);
  index.find = (set, key) => {
    read.add(key);
    return find(set, key);
  };
  assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
  assert.deepEqual([read.has(fresh.key), read.has(own.key)], [true, false]);
  assert.deepEqual([await has(fresh.cid), await has(own.cid)], [false, true]);
  assert.deepEqual(
    asked.map(({ host, items }) => [host, items]),
    [
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ],
  );
  await look(false);
  const walked = walks();
  assert.deepEqual(await look(false), nothing);
  assert.deepEqual([excess.hasDue, walks()], [false, walked]);
  // After it is closed nothing is noted.
  excess.close();
  const until = arrivals();
  await put();
  assert.equal(arrivals(), until);
});

test('A8 what was due when a look failed is looked at again', async () => {
  const { state, put, look, has, excess } = scene();
  await look();
  const { cid } = await put();
  state.fails = true;
  await assert.rejects(look(false), /the disk failed/);
  state.fails = false;
  assert.equal(excess.hasDue, true);
  assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
  assert.equal(await has(cid), false);
});

test('A8 where owners place here what this host has heard to be elsewhere, it looks again later', async () => {
  for (const everything of [true, false]) {
    const { state, put, look, has, excess } = scene();
    await look();
    state.places = ['a', 'self', 'b'];
    state.heard = ['a', 'b', 'c'];
    const { cid } = await put();
    assert.deepEqual(await look(everything), nothing);
    assert.equal(excess.hasDue, false);
    // The owner has heard of c by now; nothing has changed near here.
    state.places = ['a', 'b', 'c'];
    excess.lookAtWaiting();
    assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
    assert.equal(await has(cid), false);
  }
});

test('A8 closing leaves what arrives to another that looks by then', async () => {
  const { put, excess, ports, arrivals } = scene();
  let others = 0;
  new ExcessReplicas(ports, {} as BlockMover, () => {
    others += 1;
  });
  excess.close();
  await put();
  assert.deepEqual([others > 0, arrivals()], [true, 0]);
});

test('A8 beyond 100 000 items that arrived everything is looked at', async () => {
  for (const arriving of [100_000, 100_001]) {
    const { state, put, look, index } = scene();
    state.places = ['self', 'a', 'b'];
    await put();
    await look();
    for (let number = 0; number < arriving; number++) index.added?.(blockSet(3), `${number}`);
    const items = mock.method(index, 'items');
    await look(false, () => true);
    assert.equal(items.mock.callCount() > 0, arriving > 100_000);
  }
});

test('A8 a cached item that has a place here by now counts again with the next look at what arrived', async () => {
  const { state, put, look, cache, isCached, excess } = scene();
  await look();
  state.places = ['self', 'a', 'b'];
  const { key } = await put();
  await cache(key);
  assert.equal(excess.hasDue, true);
  assert.deepEqual(await look(false), nothing);
  assert.equal(isCached(key), false);
});

test('A8 cache that another host offers or wants is looked at next, and counts where a place lacks it', async () => {
  const { state, put, look, cache, isCached, excess } = scene();
  const [cached, counted] = [await put(), await put()];
  await cache(cached.key);
  state.answers['c'] = { held: 'absent' };
  state.push = 'full';
  await look();
  assert.equal(isCached(cached.key), false);
  await cache(cached.key);
  excess.lookAtCache(counted.key);
  excess.lookAtCache('ab'.repeat(32));
  assert.equal(excess.hasDue, false);
  excess.lookAtCache(cached.key);
  assert.deepEqual(await look(false), nothing);
  assert.equal(isCached(cached.key), false);
});

test('A8 cache in a range that an owner confirms counts where it has a place here', async () => {
  const { state, put, look, cache, isCached, excess, asked } = scene();
  state.places = ['self', 'a', 'b'];
  const [placed, other, outside] = [await put(), await put(), await put()];
  await look();
  for (const { key } of [placed, other, outside]) {
    state.placesOf.set(key, key === other.key ? ['a', 'b', 'c'] : ['a', 'b', 'self']);
    await cache(key);
  }
  asked.length = 0;
  const before = (key: string): string => (BigInt(`0x${key}`) - 1n).toString(16).padStart(64, '0');
  for (const { key } of [placed, other]) await excess.lookAtCacheIn({ after: before(key), upTo: key });
  assert.deepEqual(await look(false), nothing);
  assert.deepEqual(
    [placed, other, outside].map(({ key }) => isCached(key)),
    [false, true, true],
  );
  assert.deepEqual(asked, [], 'no other host is asked');
});

test('A8 items of a range are looked at when that is asked for', async () => {
  const { state, put, look, excess, has } = scene();
  state.places = ['self', 'a', 'b'];
  const [one, other] = [await put(), await put()];
  await look();
  state.places = ['a', 'b', 'c'];
  const before = (BigInt(`0x${one.key}`) - 1n).toString(16).padStart(64, '0');
  excess.lookAtRange({ after: before, upTo: one.key });
  assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
  assert.deepEqual([await has(one.cid), await has(other.cid)], [false, true]);
});

test('A8 of a block of many replicas the places beyond the third need not be sure, and all must hold it', async () => {
  const { state, put, look } = scene();
  state.places = ['a', 'b', 'c', 'd', 'e', 'self'];
  await put({ replicas: 5 });
  state.answers = { d: { isSure: false }, e: { isSure: false, held: 'absent' } };
  assert.deepEqual(await look(), { dropped: 0, cached: 0, left: 1 });
  state.answers['e'] = { isSure: false };
  assert.deepEqual(await look(false), { dropped: 1, cached: 0, left: 0 });
  const silent = scene();
  await silent.put({ replicas: 5 });
  silent.state.answers['d'] = { isMute: true };
  assert.deepEqual(await silent.look(), { dropped: 0, cached: 0, left: 1 });
  const sure = scene();
  await sure.put({ replicas: 5 });
  sure.state.answers['c'] = { isSure: false };
  assert.deepEqual(await sure.look(), { dropped: 0, cached: 0, left: 1 });
});

test('A8 an owner that lost a block of many replicas is given it by a holder far behind it', async () => {
  for (const [places, answer, isGiven] of [
    [['a', 'b', 'c', 'self', 'd'], { held: 'absent' }, true],
    [['a', 'b', 'c', 'self', 'd'], { held: 'other' }, false],
    [['a', 'b', 'c', 'self', 'd'], { held: 'same' }, false],
    [['a', 'b', 'c', 'self', 'd'], { isMute: true }, false],
    [['a', 'b', 'self', 'c', 'd'], { held: 'absent' }, false],
  ] as const) {
    const { state, put, look, moves, asked } = scene();
    state.places = places;
    state.answers['a'] = answer;
    await look();
    const { key } = await put({ replicas: 5 });
    assert.deepEqual(await look(false), nothing);
    assert.deepEqual(moves, isGiven ? [`push a ${key}`] : []);
    assert.ok(asked.every(({ host, isProof }) => host === 'a' && !isProof));
  }
  const few = scene();
  few.state.places = ['a', 'b', 'c', 'self'];
  few.state.answers['a'] = { held: 'absent' };
  const { key } = await few.put({ replicas: 3 });
  await few.look();
  assert.deepEqual(few.moves, [`push a ${key}`], 'owners compare these themselves');
});

test('A8 of a block of few replicas this host stays an authority for others of the place', async () => {
  const { state, put, look, withdrawn } = scene();
  state.places = ['a', 'b', 'self'];
  const { key } = await put({ replicas: 2 });
  assert.deepEqual(await look(), { dropped: 1, cached: 0, left: 0 });
  assert.deepEqual(withdrawn, [`disown ${key}`]);
  const elsewhere = scene();
  const { key: other } = await elsewhere.put({ replicas: 2 });
  await elsewhere.look();
  assert.deepEqual(elsewhere.withdrawn, [`withdraw ${other}`]);
});

test('A8 proofs are asked for in questions that cost 16 MiB at most', async () => {
  const { put, look, asked } = scene();
  for (let count = 0; count < 17; count++) await put({ size: 2 ** 20 });
  assert.deepEqual(await look(), { dropped: 17, cached: 0, left: 0 });
  assert.deepEqual(
    asked.filter(({ host }) => host === 'a').map(({ items }) => items),
    [16, 1],
  );
});

test('A8 proofs are asked for 256 at a time', async () => {
  const { look, asked, records } = scene();
  const rows = Array.from({ length: 513 }, (_, number) => ({
    kind: 'name',
    publisher: 'P',
    subject: Buffer.from(`s${number}`),
    key: '5a'.repeat(32),
    expiry: null,
    sequence: 1,
    bytes: Buffer.from(`record ${number}`),
  }));
  await records.put(rows);
  assert.deepEqual(await look(), { dropped: 513, cached: 0, left: 0 });
  assert.deepEqual(
    asked.filter(({ host }) => host === 'a').map(({ items }) => items),
    [256, 256, 1],
  );
});

test('A8 for a write cache makes room, that which was cached first before all', async () => {
  const { put, excess, cache, has, asked, time } = scene();
  const [one, two, three] = [await put(), await put(), await put()];
  for (const { key } of [two, one, three]) {
    await cache(key);
    time.cached += 1;
  }
  assert.equal(await excess.makeRoom(150), 200);
  assert.deepEqual(await Promise.all([two, one, three].map(({ cid }) => has(cid))), [false, false, true]);
  assert.ok(asked.every(({ isProof }) => isProof));
  assert.equal(await excess.makeRoom(0), 0);
});

test('A8 for one write no more than 512 items of the cache are looked at, 16 at a time', async () => {
  const { state, put, excess, cache, asked } = scene();
  const made = await Promise.all(Array.from({ length: 513 }, () => put()));
  await Promise.all(made.map(({ key }) => cache(key)));
  state.answers['c'] = { isSure: false };
  assert.equal(await excess.makeRoom(1000), 0);
  assert.deepEqual(
    asked.filter(({ host }) => host === 'a').map(({ items }) => items),
    Array.from({ length: 32 }, () => 16),
  );
});

test('A8 no cache goes that a place lacks, that has a place here, or that is no block', async () => {
  const { state, put, record, excess, cache, has, moves, records } = scene();
  const [lacked, own] = [await put(), await put()];
  const named = await record('self');
  await cache(lacked.key);
  await cache(own.key);
  await cache(named, 0, recordSet);
  state.placesOf.set(own.key, ['a', 'self', 'b']);
  state.answers['b'] = { held: 'absent' };
  assert.equal(await excess.makeRoom(1000), 0);
  assert.deepEqual([await has(lacked.cid), await has(own.cid)], [true, true]);
  assert.deepEqual(moves, [`push b ${lacked.key}`]);
  state.answers = {};
  const [first, second] = [excess.makeRoom(1000), excess.makeRoom(1)];
  assert.equal(first, second, 'it is made once for all who wait');
  assert.equal(await first, 100);
  assert.deepEqual([await has(lacked.cid), await has(own.cid), records.count()], [false, true, 1]);
  const closed = scene();
  const { key } = await closed.put();
  await closed.cache(key);
  closed.excess.close();
  assert.equal(await closed.excess.makeRoom(1000), 0);
});

test('A8 own puts are kept as cache while a fifth of the quota is left for others', async () => {
  const blockOf = (size: number, text = 'own') => {
    const bytes = Buffer.alloc(size, text);
    return {
      cid: cidOfBlock(rawCodec, bytes),
      bytes,
      claims: [{ publisher: 'self', name: 'n', sequence: 1, replicas: 3 }],
    };
  };
  const { ports, isCached, blocks, index } = scene({ quotaBytes: 1000 });
  const block = blockOf(800);
  await keepAsCache(ports, block);
  assert.equal(isCached(blockKey(block.cid)), true);
  assert.equal(index.findCached(blockSet(3), blockKey(block.cid))?.bytes, 800);
  await keepAsCache(ports, blockOf(1));
  assert.equal(blocks.count(), 1);
  const tight = scene({ quotaBytes: 1000 });
  await keepAsCache(tight.ports, blockOf(801));
  assert.equal(tight.blocks.count(), 0);
  // A replica that is here already becomes no cache.
  const { cid, bytes, claims } = blockOf(10);
  await tight.blocks.put([{ cid, bytes, claims }]);
  await keepAsCache(tight.ports, { cid, bytes, claims });
  assert.equal(tight.isCached(blockKey(cid)), false);
  const gone = scene();
  gone.blocks.put = async () => undefined;
  await keepAsCache(gone.ports, blockOf(10));
  assert.equal(gone.index.cachedBlocks().bytes, 0);
  const full = scene();
  full.blocks.put = async () => {
    throw new ChordialError('quota-full', 'full');
  };
  await keepAsCache(full.ports, blockOf(10));
  const bug = new TypeError('bug');
  full.blocks.put = async () => {
    throw bug;
  };
  await assert.rejects(keepAsCache(full.ports, blockOf(10)), bug);
});
