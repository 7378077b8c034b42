import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '../protocol/pointer.ts';
import { contactOf, virtualClock } from '../testing/virtual-clock.ts';
import { FailureDetector, type Liveness, type Watching } from './failure-detector.ts';
import type { AskFailure, AskResult, RingNetwork } from './ports.ts';
import { defaultTimers } from './timers.ts';

/** How each host answers a ping, and what it says when asked to probe another; silent when it says nothing. */
interface Behaviour {
  ping: 'alive' | AskFailure;
  reaches: boolean | null;
}

function setUp(behaviours: Record<string, Behaviour>) {
  const time = virtualClock();
  const changes: [string, Liveness][] = [];
  const moves: Contact[] = [];
  let pings = 0;
  const behaviourOf = (to: Contact) => behaviours[to.host] ?? { ping: 'unreachable' as const, reaches: null };
  const ask = (to: Contact, deadline: number, done: (result: AskResult<'probe'>) => void) => {
    const { reaches } = behaviourOf(to);
    if (reaches === null) time.clock.after(deadline, () => done({ ok: false, failure: 'timeout' }));
    else time.clock.after(10, () => done({ ok: true, answer: { reached: [reaches] } }));
  };
  const network: RingNetwork = {
    ping: (to, timeout, done) => {
      pings++;
      const { ping } = behaviourOf(to);
      time.clock.after(ping === 'timeout' ? timeout : 10, () => done(ping));
    },
    // The failure detector asks nothing but PROBE.
    ask: (to, _kind, _ask, deadline, done) => ask(to, deadline, done as (result: AskResult<'probe'>) => void),
  };
  const detector = new FailureDetector({
    self: '1' as HostId,
    clock: time.clock,
    random: time.random,
    network,
    timers: defaultTimers,
    changed: (contact, liveness) => changes.push([contact.host, liveness]),
    moved: (contact) => moves.push(contact),
  });
  for (const name of Object.keys(behaviours)) detector.heard(contactOf(name));
  const watch = (name: string, watching: Watching = 'close') =>
    detector.watch(new Map([[name as HostId, { contact: contactOf(name), watching }]]));
  return { ...time, detector, changes, moves, watch, behaviours, pings: () => pings };
}

const isDown = (detector: FailureDetector, name: string) => detector.isDown(name as HostId);

test('A5 A18 a silent host is dead after three missed pings and a helper that cannot reach it either [R21]', () => {
  const { detector, watch, pass, changes } = setUp({
    silent: { ping: 'timeout', reaches: null },
    helper: { ping: 'alive', reaches: false },
  });
  watch('silent');
  pass(600);
  assert.equal(isDown(detector, 'silent'), false);
  pass(4000);
  assert.equal(isDown(detector, 'silent'), true);
  assert.deepEqual(changes, [['silent', 'dead']]);
});

test('A5 a host whose connection is refused is dead within a second of the first ping [R21]', () => {
  const { detector, watch, pass } = setUp({ crashed: { ping: 'unreachable', reaches: null } });
  watch('crashed');
  pass(defaultTimers.pingInterval + 1000);
  assert.equal(isDown(detector, 'crashed'), true);
});

test('A5 a host that a helper still reaches is kept (a link that is not transitive) [R22]', () => {
  const { detector, watch, pass, changes } = setUp({
    hidden: { ping: 'timeout', reaches: null },
    helper: { ping: 'alive', reaches: true },
    other: { ping: 'alive', reaches: false },
  });
  watch('hidden');
  pass(30_000);
  assert.equal(isDown(detector, 'hidden'), false);
  assert.deepEqual(changes, []);
});

test('A5 helpers that do not answer do not count: the own evidence decides [R21]', () => {
  const { detector, watch, pass } = setUp({
    silent: { ping: 'timeout', reaches: null },
    mute: { ping: 'alive', reaches: null },
  });
  watch('silent');
  pass(10_000);
  assert.equal(isDown(detector, 'silent'), true);
});

test('A5 a refusal is an answer: the host lives [R22]', () => {
  const { detector, watch, pass, changes } = setUp({ refusing: { ping: 'refused', reaches: null } });
  watch('refusing');
  pass(20_000);
  assert.equal(isDown(detector, 'refusing'), false);
  assert.deepEqual(changes, []);
});

test('A5 a host that was dead and is heard again lives [R24]', () => {
  const { detector, watch, pass, changes, behaviours } = setUp({ back: { ping: 'unreachable', reaches: null } });
  watch('back');
  pass(5000);
  behaviours['back'] = { ping: 'alive', reaches: null };
  detector.heard(contactOf('back'));
  pass(5000);
  assert.deepEqual(changes, [
    ['back', 'dead'],
    ['back', 'alive'],
  ]);
});

test('A4 who waits for a verdict is told when the host says in the middle of the check that it leaves', () => {
  for (const moment of [20, 150, 260, 700]) {
    const { detector, pass, pings } = setUp({ leaving: { ping: 'unreachable', reaches: null } });
    const verdicts: boolean[] = [];
    pass(1);
    detector.confirm(contactOf('leaving'), (dead) => verdicts.push(dead));
    pass(moment);
    detector.declare(contactOf('leaving'), 'left');
    pass(10_000);
    assert.deepEqual(verdicts, [true], `after ${moment} ms`);
    const before = pings();
    pass(10_000);
    assert.equal(pings(), before, 'a host that left is not pinged');
  }
});

test('A18 where a host said itself that it is reached counts more than hearsay, until that leads nowhere', () => {
  const { detector, pass } = setUp({ moved: { ping: 'timeout', reaches: null } });
  const host = 'moved' as HostId;
  detector.heard({ host, addresses: ['192.0.2.1:1'] });
  pass(1);
  detector.suspect({ host, addresses: ['192.0.2.2:2'] });
  assert.deepEqual(detector.contactOf(host)?.addresses, ['192.0.2.1:1']);
  pass(5000);
  assert.equal(isDown(detector, 'moved'), true);
  detector.suspect({ host, addresses: ['192.0.2.2:2'] });
  assert.deepEqual(detector.contactOf(host)?.addresses, ['192.0.2.2:2']);
});

test('A18 hosts that were only heard of do not fill the memory, and push out none that live', () => {
  const { detector, watch } = setUp({ lives: { ping: 'alive', reaches: null } });
  watch('lives');
  for (let i = 0; i < 16_384; i++) detector.declare(contactOf(`made up ${i}`), 'left');
  assert.equal(detector.all().length, 16_384);
  assert.equal(detector.liveness('lives' as HostId), 'alive');
});

test('A18 a host that speaks by itself is not pinged', () => {
  const { detector, watch, pass, pings } = setUp({ talkative: { ping: 'alive', reaches: null } });
  watch('talkative');
  for (let second = 0; second < 50; second += 0.1) {
    pass(100);
    detector.heard(contactOf('talkative'));
  }
  assert.equal(pings(), 0);
  const before = pings();
  pass(5000);
  assert.ok(pings() - before >= 9, 'silent again, it is pinged at every interval');
});

test('A18 of two that watch each other the one with the smaller id pings, the other only when that one is late [R25]', () => {
  const { watch, pass, pings } = setUp({ greater: { ping: 'alive', reaches: null } });
  watch('greater');
  pass(10_000);
  assert.ok(pings() >= 19 && pings() <= 26, `${pings()} pings in 10 s`);

  const smaller = setUp({ '0 smaller': { ping: 'alive', reaches: null } });
  smaller.watch('0 smaller');
  for (let time = 0; time < 10_000; time += 500) {
    smaller.detector.heard(contactOf('0 smaller'));
    smaller.pass(500);
  }
  assert.equal(smaller.pings(), 0);
  smaller.pass(1100);
  assert.ok(smaller.pings() >= 1, 'late');
});

test('A18 a host watched from afar is pinged every 5 s', () => {
  const { detector, watch, pass, pings, behaviours } = setUp({ far: { ping: 'alive', reaches: null } });
  watch('far', 'far');
  pass(60_000);
  assert.ok(pings() >= 10 && pings() <= 14, `${pings()} pings in a minute`);
  behaviours['far'] = { ping: 'timeout', reaches: null };
  pass(10_000);
  assert.equal(isDown(detector, 'far'), true);
});

test('A5 who is told of a death believes it after one missed ping and a helper, and not without [R23]', () => {
  for (const reaches of [false, true]) {
    const { detector, pass, pings } = setUp({
      silent: { ping: 'timeout', reaches: null },
      helper: { ping: 'alive', reaches },
    });
    pass(1);
    detector.suspect(contactOf('silent'), true);
    pass(defaultTimers.minTimeout + 100);
    assert.equal(pings(), 1);
    assert.equal(isDown(detector, 'silent'), !reaches);
  }
  const { detector, pass } = setUp({ well: { ping: 'alive', reaches: null } });
  detector.suspect(contactOf('well'), true);
  pass(5000);
  assert.equal(isDown(detector, 'well'), false, 'a lie');
});

test('A26 a host that speaks from another address is known there, whatever others still say', () => {
  const { detector, moves } = setUp({ traveller: { ping: 'alive', reaches: null } });
  const host = 'traveller' as HostId;
  const old = detector.contactOf(host)!;
  const both = { host, addresses: ['192.0.2.1:1', ...old.addresses] };
  moves.length = 0;
  detector.heard(both);
  assert.deepEqual(moves, [], 'one more way to it is no move');
  assert.equal(detector.whereabouts(old), old);
  const moved = { host, addresses: ['192.0.2.1:2'] };
  detector.heard(moved);
  assert.deepEqual(moves, [moved]);
  assert.equal(detector.whereabouts(old), moved);
  assert.equal(detector.whereabouts(contactOf('stranger')).host, 'stranger');
});

test('A26 a host that was down and speaks is looked for in every pointer, wherever hearsay put it meanwhile', () => {
  const { detector, moves } = setUp({ traveller: { ping: 'alive', reaches: null } });
  const host = 'traveller' as HostId;
  detector.declare(detector.contactOf(host)!, 'away');
  const moved = { host, addresses: ['192.0.2.1:2'] };
  detector.watch(new Map([[host, { contact: moved, watching: 'close' }]]));
  moves.length = 0;
  detector.heard(moved);
  assert.deepEqual(moves, [moved], 'pointers may still name the old address, though the detector does not');
});

test('A5 a host whose answers take long is waited for longer', () => {
  const { detector } = setUp({ busy: { ping: 'alive', reaches: null } });
  const host = 'busy' as HostId;
  assert.equal(detector.timeout(host), defaultTimers.minTimeout);
  detector.measured(host, 400);
  assert.ok(detector.timeout(host) >= 800, `${detector.timeout(host)} ms`);
  detector.measured('stranger' as HostId, 400);
  assert.equal(detector.liveness('stranger' as HostId), null, 'no one is made up by an answer');
});
