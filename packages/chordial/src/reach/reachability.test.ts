import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Contact, HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import type { DialledBack } from './reach-messages.ts';
import { type Reach, Reachability, type ReachabilityPorts, saidReach } from './reachability.ts';

const home = '203.0.113.5';
const reached: DialledBack = { address: home, outcome: 'reached' };
const silent: DialledBack = { address: home, outcome: 'silent' };

function contact(name: string, address = `198.51.100.${name.length}:1`): Contact {
  return { host: name as HostId, addresses: [address] };
}

/** Members by name and what they answer; those whose names begin with `near` are in the own subnet, `here` on this machine. */
function asking(says: Record<string, DialledBack | null>, more: Partial<ReachabilityPorts> = {}) {
  const { clock, random, pass } = virtualClock();
  const asked: string[] = [];
  const results: Reach[] = [];
  const isNamed = (start: string) => (address: string) => address.startsWith(start);
  const reachability = new Reachability({
    clock,
    random,
    port: () => 4848,
    addresses: () => ['192.168.1.2:4848'],
    hosts: () => Object.keys(says).map((name) => contact(name, `${name}:1`)),
    isHere: isNamed('here'),
    isNear: isNamed('near'),
    ask: async ({ host }) => {
      asked.push(host);
      return says[host] ?? null;
    },
    ...more,
  });
  reachability.onChange((reach) => results.push(reach));
  reachability.begin();
  const wait = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += 1000) {
      pass(Math.min(1000, milliseconds - passed));
      await setImmediate();
    }
  };
  return { reachability, asked, results, says, wait };
}

test('B10 members that dial this peer back prove that others reach it', async () => {
  const { reachability, asked, results, wait } = asking({ a: reached, b: reached, c: reached, d: reached });
  assert.deepEqual(reachability.reach, { state: 'unknown' });
  await wait(2000);
  assert.equal(asked.length, 3);
  assert.deepEqual(results, [{ state: 'open', address: '203.0.113.5:4848', members: 3 }]);
  assert.match(saidReach(reachability.reach).text, /^3 members dialled this peer back at 203\.0\.113\.5:4848/);
  await wait(500_000);
  assert.equal(asked.length, 3);
  await wait(200_000);
  assert.equal(asked.length, 6);
  assert.equal(results.length, 1);
});

test('B10 a peer that members cannot dial back is hidden, and is told what to do', async () => {
  const { reachability, wait } = asking({ a: silent, b: silent, c: reached });
  await wait(2000);
  const { reach } = reachability;
  assert.deepEqual(reach, {
    state: 'hidden',
    address: '203.0.113.5:4848',
    failed: 2,
    asked: 3,
    outcome: 'silent',
  });
  assert.match(saidReach(reach).text, /2 of 3 members could not .* no answer came\. Open TCP port 4848/);
});

test('L one lying member decides nothing, whichever way it lies', async () => {
  const truth = asking({ a: reached, b: reached, liar: { address: '192.0.2.66', outcome: 'another' } });
  await truth.wait(2000);
  assert.deepEqual(truth.reachability.reach, { state: 'open', address: '203.0.113.5:4848', members: 2 });
  const hidden = asking({ a: silent, b: silent, liar: { address: '192.0.2.66', outcome: 'reached' } });
  await hidden.wait(2000);
  assert.equal(hidden.reachability.reach.state, 'hidden');
  // Of two, neither is believed alone; what held before goes on.
  const two = asking({ a: reached, b: reached });
  await two.wait(2000);
  two.says['b'] = silent;
  await two.wait(700_000);
  assert.equal(two.reachability.reach.state, 'open');
  assert.equal(two.results.length, 1);
  const none = asking({ a: reached, liar: silent });
  await none.wait(2000);
  assert.equal(none.reachability.reach.state, 'unknown');
});

test('B10 where there is one member its word counts, and members on this machine are not asked', async () => {
  const { reachability, asked, wait } = asking({ a: reached, here1: silent, here2: silent });
  await wait(2000);
  assert.deepEqual(asked, ['a']);
  assert.equal(reachability.reach.state, 'open');
  const alone = asking({ here: reached });
  await alone.wait(100_000);
  assert.equal(alone.reachability.reach.state, 'unknown');
  assert.deepEqual(alone.asked, []);
});

test('L what the only member said is asked of others as soon as there are any', async () => {
  const { reachability, asked, says, wait } = asking({ liar: reached });
  await wait(2000);
  assert.equal(reachability.reach.state, 'open');
  for (const name of ['a', 'b']) says[name] = silent;
  reachability.ringChanged();
  await wait(6000);
  assert.equal(reachability.reach.state, 'hidden');
  reachability.ringChanged();
  await wait(6000);
  assert.equal(asked.length, 4);
});

test('B10 members beyond the own subnets are asked first: one in the LAN does not see what the router does', async () => {
  const lan = { near1: reached, near2: reached, near3: reached };
  const { reachability, asked, wait } = asking({ ...lan, far1: silent, far2: silent });
  await wait(2000);
  assert.deepEqual(asked.sort(), ['far1', 'far2']);
  assert.equal(reachability.reach.state, 'hidden');
  const only = asking(lan);
  await only.wait(2000);
  assert.equal(only.reachability.reach.state, 'open');
});

test('B10 asked again soon after addresses change, at most every 5 s, and later when hosts come', async () => {
  let addresses = ['192.168.1.2:4848'];
  const { reachability, asked, says, wait } = asking(
    { a: reached, b: reached, c: reached },
    { addresses: () => addresses },
  );
  await wait(2000);
  addresses = ['192.168.7.7:4848'];
  for (const name of ['a', 'b', 'c']) says[name] = silent;
  await wait(6000);
  assert.equal(reachability.reach.state, 'hidden');
  assert.equal(asked.length, 6);
  for (let count = 0; count < 20; count++) {
    reachability.again();
    await wait(1000);
  }
  assert.ok(asked.length <= 6 + 3 * 5, `${asked.length}`);
  const before = asked.length;
  await wait(10_000);
  const settled = asked.length;
  assert.ok(settled - before <= 3);
  for (let count = 0; count < 100; count++) {
    reachability.ringChanged();
    await wait(1000);
  }
  assert.equal(asked.length, settled);
  await wait(30_000);
  assert.equal(asked.length, settled + 3);
});

test('B10 a round without enough answers is repeated, ever more seldom', async () => {
  const { reachability, asked, says, wait } = asking({ a: null, b: null, c: null });
  await wait(100_000);
  assert.equal(reachability.reach.state, 'unknown');
  assert.ok(asked.length >= 9 && asked.length <= 12, `${asked.length}`);
  for (const name of ['a', 'b', 'c']) says[name] = reached;
  reachability.ringChanged();
  await wait(2000);
  assert.equal(reachability.reach.state, 'open');
});

test('B10 answers for a port that changed meanwhile prove nothing', async () => {
  let port = 4848;
  const answer = Promise.withResolvers<DialledBack>();
  const { reachability, wait } = asking({ a: reached }, { port: () => port, ask: () => answer.promise });
  await wait(2000);
  port = 4849;
  answer.resolve(reached);
  await wait(1000);
  assert.equal(reachability.reach.state, 'unknown');
  await wait(60_000);
  assert.deepEqual(reachability.reach, { state: 'open', address: '203.0.113.5:4849', members: 1 });
});

test('B10 a peer on loopback asks no member, nor does a closed one', async () => {
  const { reachability, asked, wait } = asking({ a: reached }, { port: () => null });
  await wait(20_000);
  assert.deepEqual(reachability.reach, { state: 'loopback-only' });
  assert.match(saidReach(reachability.reach).text, /--listen 0\.0\.0\.0:PORT/);
  const closed = asking({ a: reached });
  closed.reachability.close();
  await closed.wait(20_000);
  assert.deepEqual([...asked, ...closed.asked], []);
});
