import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { roundsUntilIdeal, stabilizeOnce } from './atomic-rounds.ts';
import { found, type HostNetwork, isolated, joinHost, killHost, rescueThroughSiblings, round } from './host-history.ts';
import { isIdeal, notIdeal } from './ideal.ts';
import { someIds } from './random-steps.ts';
import { viewOf } from './ring-view.ts';

/** The defaults of a host network. */
const shape = { bits: 16, successors: 16 };
const virtualNodes = 20;
const seed = 3;
/** Phases of the proof: a list of s entries is full again after s rounds; the rest is slack. */
const maxRounds = 2 * shape.successors + 4;

function placements(hosts: number, runs: number) {
  return fc
    .sample(someIds(shape.bits, hosts * virtualNodes), { seed, numRuns: runs })
    .map((ids) => Array.from({ length: hosts }, (_, i) => ids.slice(i * virtualNodes, (i + 1) * virtualNodes)));
}

function endsIdeal({ states }: HostNetwork): void {
  const rounds = roundsUntilIdeal(states, shape, maxRounds);
  assert.notEqual(rounds, null, notIdeal(viewOf(states.values()), shape.successors) ?? '');
}

test('C1 A3 two hosts, either killed right after the second joined: the invariant holds throughout', () => {
  placements(2, 120).forEach(([first, second], i) => {
    const network = found(first!, 'first', shape);
    joinHost(network, second!, 'second');
    killHost(network, i % 2 === 0 ? 'first' : 'second');
    assert.deepEqual(network.violations, []);
    endsIdeal(network);
    assert.equal(network.states.size, virtualNodes);
  });
});

test('C1 three hosts, two killed at once: s + 1 principals remain, and isolated members have live siblings', (t) => {
  let runsWithIsolated = 0;
  for (const [first, second, third] of placements(3, 120)) {
    const network = found(first!, 'first', shape);
    joinHost(network, second!, 'second');
    joinHost(network, third!, 'third');
    round(network, [...network.states.keys()]);
    killHost(network, 'first');
    killHost(network, 'second');
    const principalsShort = network.violations.filter(({ property }) => property === 'SufficientPrincipals');
    assert.deepEqual(principalsShort, []);
    const lost = isolated(network);
    if (lost.length > 0) runsWithIsolated++;
    for (const { siblings } of lost) assert.ok(siblings > 0);
    rescueThroughSiblings(
      network,
      lost.map(({ id }) => id),
    );
    endsIdeal(network);
    assert.equal(network.states.size, virtualNodes);
  }
  t.diagnostic(`${runsWithIsolated} runs left a member with no live entry`);
  assert.ok(runsWithIsolated <= 4, 'stranding stays rare');
});

test('C1 caught: without wake-ups the survivors of a founder killed after the second host joined are isolated [R18]', () => {
  for (const [first, second] of placements(2, 10)) {
    const network = found(first!, 'first', shape, false);
    joinHost(network, second!, 'second');
    killHost(network, 'first');
    assert.ok(isolated(network).length > 0);
  }
});

test('C1 A3 a teaching ring grows from one member to six, s = 3, ideal after each join in bounded rounds [R8]', () => {
  const teaching = { bits: 6, successors: 3 };
  for (const ids of fc.sample(someIds(teaching.bits, 6), { seed, numRuns: 100 })) {
    const network = found(ids.slice(0, 1), 'teacher', teaching);
    assert.ok(isIdeal(viewOf(network.states.values()), teaching.successors), 'alone');
    for (const id of ids.slice(1)) {
      joinHost(network, [id], id);
      const rounds = roundsUntilIdeal(network.states, teaching, 8);
      assert.notEqual(rounds, null, notIdeal(viewOf(network.states.values()), teaching.successors) ?? '');
    }
  }
});

test('C1 A3 a teaching ring loses members one by one, s = 3: those left close the ring again, down to two', () => {
  const teaching = { bits: 6, successors: 3 };
  for (const ids of fc.sample(someIds(teaching.bits, 6), { seed, numRuns: 100 })) {
    const network = found(ids, 'teacher', teaching);
    for (const id of ids.slice(2)) {
      network.states.delete(id);
      const rounds = roundsUntilIdeal(network.states, teaching, 8);
      assert.notEqual(rounds, null, notIdeal(viewOf(network.states.values()), teaching.successors) ?? '');
    }
    assert.equal(stabilizeOnce(network.states, ids[0]!, teaching), false);
  }
});

test('C1 caught: isolated members that give up their places to rejoin open the ring and find no place', () => {
  const opened = placements(3, 120).some(([first, second, third]) => {
    const network = found(first!, 'first', shape);
    for (const [ids, host] of [
      [second!, 'second'],
      [third!, 'third'],
    ] as const) {
      joinHost(network, ids, host);
    }
    killHost(network, 'first');
    killHost(network, 'second');
    const [lost] = isolated(network);
    if (lost === undefined) return false;
    network.states.delete(lost.id);
    round(network, [...network.states.keys()]);
    assert.throws(() => joinHost(network, [lost.id], 'third'), /no place to join/);
    return true;
  });
  assert.ok(opened, 'no placement isolated anybody');
});
