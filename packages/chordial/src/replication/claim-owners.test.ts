import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { ChordialError } from '../errors.ts';
import { createIdentity } from '../network/identity.ts';
import { MemoryNetwork } from '../network/memory-transport.ts';
import { systemClock } from '../network/system-clock.ts';
import { Catalog } from '../storage/catalog.ts';
import type { Claim } from '../storage/claim-table.ts';
import { indexedTables } from '../storage/indexed-tables.ts';
import { maxOpenClaims, StorageShares } from '../storage/storage-shares.ts';
import { blockMessages } from './block-messages.ts';
import { ClaimOwners } from './claim-owners.ts';

const key = 'ab'.repeat(32);
const claims = (publisher: string, count: number): Claim[] =>
  Array.from({ length: count }, (_, number) => ({ publisher, name: `n${number}`, sequence: 1, replicas: 3 }));

function scene() {
  const { claims: table, counts } = indexedTables(new Catalog(':memory:'), 3);
  const transport = new MemoryNetwork().transport(createIdentity().host);
  const ring = new StaticRing();
  ring.add(transport.contact);
  const view = ring.view(transport.contact);
  const shares = new StorageShares({ counts, quotaBytes: 2 ** 30, self: view.self.host, shareOf: () => null });
  return {
    table,
    self: view.self.host,
    owners: new ClaimOwners({ view, transport, clock: systemClock }, shares, table, async () => null),
  };
}

test('H4 of a content with many names repair brings as many claims as are taken, and the rest when those are committed', () => {
  const { table, owners } = scene();
  const all = claims('P', 700).map((claim) => ({ ...claim, via: 'H' }));
  let turns = 0;
  for (let missing = all; missing.length > 0; missing = all.filter((claim) => !table.has(key, claim))) {
    assert.ok(++turns <= 4, 'no end');
    const taken = owners.fitting(key, missing);
    assert.ok(taken.length <= maxOpenClaims);
    table.add(key, taken, 1);
    for (const put of table.walk(0, 1000)) table.confirm(put, null, 1);
  }
  assert.equal(table.count(key), 700);
});

test('H4 beyond the open claims of an owner none is taken, but what is here already stays right', () => {
  const { table, owners, self } = scene();
  table.add(key, owners.fitting(key, claims('P', 2000)), 1);
  assert.equal(table.count(key), maxOpenClaims);
  assert.throws(() => owners.fitting(key, [{ publisher: 'P', name: 'more', sequence: 1, replicas: 3 }]), {
    code: 'publisher-full',
  });
  assert.equal(owners.fitting(key, claims('P', 1)).length, 1);
  assert.equal(owners.fitting(key, claims('Q', 1)).length, 1);
  assert.equal(owners.fitting(key, claims(self, 900)).length, 900);
});

/** A holder beside a publisher that claims to give far more than any disk has. */
async function withPublisher(quotaBytes: number) {
  const { claims: table, counts } = indexedTables(new Catalog(':memory:'), 3);
  const network = new MemoryNetwork();
  const [transport, other] = [network.transport(createIdentity().host), network.transport(createIdentity().host)];
  const ring = new StaticRing();
  for (const { contact } of [transport, other]) ring.add(contact);
  const view = ring.view(transport.contact);
  const questions = { count: 0 };
  await other.serve({
    request: async () => {
      questions.count += 1;
      return blockMessages.room.encodeAnswer({ room: 0, gives: 2 ** 50 });
    },
    stream: () => assert.fail('no stream'),
  });
  const shares = new StorageShares({ counts, quotaBytes, self: view.self.host, shareOf: () => null });
  return { table, shares, view, transport, owner: other.contact.host, questions };
}

test('H4 the quota a publisher reports counts as far as it proves that it stores blocks, and only briefly where there is no proof', async () => {
  const quotaBytes = 2 ** 20;
  const { table, shares, view, transport, owner, questions } = await withPublisher(quotaBytes);
  const { clock, pass } = virtualClock();
  let part: number | null = null;
  const owners = new ClaimOwners({ view, transport, clock }, shares, table, async () => part);
  const one = [{ publisher: owner, name: 'n', sequence: 1, replicas: 3 }];
  await owners.checkBlock(one, quotaBytes / 2);
  assert.equal(questions.count, 1);
  part = 0;
  pass(2100);
  await assert.rejects(owners.checkBlock(one, quotaBytes / 2), { code: 'publisher-full' });
  await owners.checkBlock(one, quotaBytes / 16);
  // It is asked once in ten minutes, however often it tries.
  part = 1;
  pass(60_000);
  await assert.rejects(owners.checkBlock(one, quotaBytes / 2), { code: 'publisher-full' });
  assert.equal(questions.count, 2);
  pass(10 * 60_000);
  await owners.checkBlock(one, quotaBytes / 2);
  assert.equal(questions.count, 3);
});

test('H4 a publisher with many records is asked for its quota before its share for records is full', async () => {
  const quotaBytes = 2 ** 30;
  const { table, shares, view, transport, owner } = await withPublisher(quotaBytes);
  new ClaimOwners({ view, transport, clock: systemClock }, shares, table, async () => 1);
  const eighth = quotaBytes / 16 / 8;
  assert.throws(() => shares.checkRows(owner, 2 * eighth), { code: 'publisher-full' });
  // The question is sent; let its answer arrive.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  shares.checkRows(owner, 2 * eighth);
});

const full = new ChordialError('publisher-full', 'full');

/** Claims of which some are here, owners of which some have no room for rows. */
function fitting({
  open = 0,
  count = 0,
  here = [] as readonly string[],
  rowsOf = (_owner: string, _bytes: number): void => {},
}) {
  const { transport, view } = alone();
  const charged: [string, number][] = [];
  const shares = {
    askAbout: null,
    checkRows: (owner: string, bytes: number) => {
      rowsOf(owner, bytes);
      charged.push([owner, bytes]);
    },
    checkBlocks: () => assert.fail('no block'),
    gives: () => assert.fail('not asked'),
    isTight: () => false,
  };
  const owners = new ClaimOwners(
    { view, transport, clock: systemClock },
    shares,
    {
      openOf: (of, owner) => (of === key && owner === 'P' ? open : 0),
      count: (of) => (of === key ? count : 0),
      has: (of, { name }) => of === key && here.includes(name),
    },
    async () => null,
  );
  const names = (some: readonly Claim[]) => owners.fitting(key, some).map(({ name }) => name);
  return { names, charged, self: view.self.host };
}

function alone() {
  const transport = new MemoryNetwork().transport(createIdentity().host);
  const ring = new StaticRing();
  ring.add(transport.contact);
  return { transport, view: ring.view(transport.contact) };
}

test('H4 as many claims are taken as an owner may still open, and a block may have', () => {
  assert.deepEqual(fitting({ open: 254 }).names(claims('P', 5)), ['n0', 'n1']);
  assert.deepEqual(fitting({ open: 255 }).names(claims('P', 3)), ['n0']);
  assert.deepEqual(fitting({ count: 16_383 }).names(claims('Q', 5)), ['n0']);
  assert.deepEqual(fitting({}).names([]), []);
  for (const none of [{ open: 256 }, { count: 16_384 }])
    for (const some of [1, 4, 5])
      assert.throws(() => fitting(none).names(claims('P', some)), { code: 'publisher-full' });
  const { names, self } = fitting({ open: 256, count: 16_384 });
  assert.equal(names(claims(self, 5)).length, 5, 'own puts need no leave');
});

test('H4 without room a few claims are looked up one by one, and those that are here stay, whatever comes before them', () => {
  assert.deepEqual(fitting({ open: 256, here: ['n1', 'n3'] }).names(claims('P', 4)), ['n1', 'n3']);
  assert.throws(() => fitting({ open: 256, here: ['n1'] }).names(claims('P', 5)), { code: 'publisher-full' });
});

test('H4 only claims that are new are charged, to who hands them on', () => {
  const { names, charged } = fitting({ here: ['n1'] });
  assert.deepEqual(names(claims('P', 2).map((claim) => ({ ...claim, via: 'H' }))), ['n0', 'n1']);
  assert.deepEqual(charged, [['H', 2 * 2 + 400 + 120]]);
});

test('H4 what one owner has no room for does not keep out the claims of another', () => {
  const rowsOf = (owner: string) => {
    if (owner === 'P') throw full;
  };
  assert.deepEqual(fitting({ rowsOf }).names([...claims('P', 1), { ...claims('Q', 1)[0]!, name: 'of Q' }]), ['of Q']);
  assert.throws(() => fitting({ rowsOf }).names(claims('P', 2)), full);
  const bug = new TypeError('bug');
  const broken = fitting({
    rowsOf: (owner: string) => {
      if (owner === 'P') throw bug;
    },
  });
  assert.throws(() => broken.names([...claims('P', 1), ...claims('Q', 1)]), bug, 'whatever else is taken');
});

/** A holder that asks another about its quota; shares note what they are told. */
async function asking({ isHost = true } = {}) {
  const network = new MemoryNetwork();
  const [transport, other] = [network.transport(createIdentity().host), network.transport(createIdentity().host)];
  const ring = new StaticRing();
  ring.add(transport.contact);
  if (isHost) ring.add(other.contact);
  const owner = other.contact.host;
  const state = { questions: 0, gives: 1000, part: null as number | null, isTight: true };
  await other.serve({
    request: async () => {
      state.questions += 1;
      return blockMessages.room.encodeAnswer({ room: 0, gives: state.gives });
    },
    stream: () => assert.fail('no stream'),
  });
  const told: number[] = [];
  const checked: [string, number][] = [];
  const shares = {
    askAbout: null as ((owner: string) => void) | null,
    checkRows: () => assert.fail('no rows'),
    checkBlocks: (of: string, bytes: number) => checked.push([of, bytes]),
    gives: (of: string, bytes: number) => {
      assert.equal(of, owner);
      told.push(bytes);
    },
    isTight: (_of: string, bytes: number) => state.isTight && bytes > 10,
  };
  const send = transport.request.bind(transport);
  transport.request = (to, kind, body, options) => {
    assert.equal(options.deadline, 1500);
    return send(to, kind, body, options);
  };
  const { clock, pass } = virtualClock();
  const owners = new ClaimOwners(
    { view: ring.view(transport.contact), transport, clock },
    shares,
    { openOf: () => 0, count: () => 0, has: () => false },
    async (host) => {
      assert.equal(host.host, owner);
      if (state.part === Number.NEGATIVE_INFINITY) throw new TypeError('bug');
      return state.part;
    },
  );
  const check = (bytes = 100) => owners.checkBlock(claims(owner, 2), bytes);
  const setHealth = (health: 'alive' | 'dead') => network.setHealth(owner, health);
  return { check, state, told, checked, shares, owner, pass, setHealth };
}

test('H4 an owner is asked only where its default does not suffice, once for all its claims', async () => {
  const { check, state, checked, owner, told, shares } = await asking();
  await check(10);
  assert.deepEqual([state.questions, checked], [0, [[owner, 10]]]);
  await check(11);
  assert.deepEqual(checked[1], [owner, 11]);
  assert.equal(state.questions, 1);
  shares.askAbout?.('another');
  await check(11);
  assert.equal(state.questions, 1, 'a question about another changes nothing');
  assert.deepEqual(told, [1000]);
});

test('H4 an answer holds for ten minutes with a proof and for two seconds without one', async () => {
  const { check, state, told, pass } = await asking();
  await check();
  pass(1999);
  await check();
  assert.equal(state.questions, 1);
  pass(1);
  state.part = 0.25;
  await Promise.all([check(), check()]);
  assert.equal(state.questions, 2, 'asked once by all who wait');
  pass(10 * 60_000 - 1);
  await check();
  assert.equal(state.questions, 2);
  pass(1);
  state.gives = 400;
  await check();
  assert.equal(state.questions, 3);
  assert.deepEqual(told, [1000, 250, 100]);
});

test('H4 while an owner does not answer, what it proved last counts, and it is asked again after two seconds', async () => {
  const { check, state, told, pass, setHealth } = await asking();
  setHealth('dead');
  await check();
  assert.deepEqual(told, [0]);
  setHealth('alive');
  state.part = 0.5;
  pass(2000);
  await check();
  setHealth('dead');
  pass(10 * 60_000);
  await check();
  pass(1999);
  await check();
  assert.deepEqual(told, [0, 500, 500]);
  setHealth('alive');
  pass(1);
  await check();
  assert.deepEqual(told, [0, 500, 500, 500]);
});

test('H4 a client gives nothing, which is known without a question', async () => {
  const { check, state, told, pass } = await asking({ isHost: false });
  await check();
  pass(10 * 60_000 - 1);
  await check();
  assert.deepEqual([state.questions, told], [0, [0]]);
});

test('H4 a fault in the proof is no missing answer, and one asked for by the way stops nothing', async () => {
  const { check, state, shares, owner, told, pass } = await asking();
  state.part = Number.NEGATIVE_INFINITY;
  await assert.rejects(check(), TypeError);
  pass(10 * 60_000);
  shares.askAbout?.(owner);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(state.questions, 2);
  assert.deepEqual(told, []);
});
