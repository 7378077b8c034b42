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
  const pinged: { readonly host: string; readonly at: number; readonly timeout: number }[] = [];
  const probed: string[] = [];
  const probes: Contact[] = [];
  const behaviourOf = (to: Contact) => behaviours[to.host] ?? { ping: 'unreachable' as const, reaches: null };
  const ask = (to: Contact, deadline: number, done: (result: AskResult<'probe'>) => void) => {
    const { reaches } = behaviourOf(to);
    probed.push(to.host);
    if (reaches === null) time.clock.after(deadline, () => done({ ok: false, failure: 'timeout' }));
    else time.clock.after(10, () => done({ ok: true, answer: { reached: [reaches] } }));
  };
  const network: RingNetwork = {
    ping: (to, timeout, done) => {
      pings++;
      pinged.push({ host: to.host, at: time.clock.now(), timeout });
      const { ping } = behaviourOf(to);
      time.clock.after(ping === 'timeout' ? timeout : 10, () => done(ping));
    },
    // The failure detector asks nothing but PROBE.
    ask: (to, { ask: question, deadline }, done) => {
      probes.push(...(question as { readonly hosts: readonly Contact[] }).hosts);
      ask(to, deadline, done as (result: AskResult<'probe'>) => void);
    },
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
  return { ...time, detector, changes, moves, watch, behaviours, pinged, probed, probes, pings: () => pings };
}

const isDown = (detector: FailureDetector, name: string) => detector.isDown(name as HostId);

test('A5 A18 a silent host is dead after three missed pings and a helper that cannot reach it either [R21]', () => {
  const { detector, watch, pass, changes, pings } = setUp({
    silent: { ping: 'timeout', reaches: null },
    helper: { ping: 'alive', reaches: false },
  });
  watch('silent');
  pass(600);
  assert.equal(isDown(detector, 'silent'), false);
  pass(4000);
  assert.equal(isDown(detector, 'silent'), true);
  assert.equal(pings(), 3, 'none beside those of the check');
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

test('A5 a suspected host is alive again once a helper reaches it, or when it refuses the next ping [R22]', () => {
  const cases = { reaches: ['timeout', true], refuses: ['refused', false] } as const;
  for (const [name, [next, reaches]] of Object.entries(cases)) {
    const { detector, pass, changes, behaviours } = setUp({
      silent: { ping: 'timeout', reaches: null },
      helper: { ping: 'alive', reaches },
    });
    const verdicts: boolean[] = [];
    pass(1);
    detector.confirm(contactOf('silent'), (dead) => verdicts.push(dead));
    pass(260);
    assert.equal(detector.liveness('silent' as HostId), 'suspected', name);
    behaviours['silent'] = { ping: next, reaches: null };
    pass(5000);
    assert.equal(detector.liveness('silent' as HostId), 'alive', name);
    assert.deepEqual([verdicts, changes], [[false], []], name);
  }
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
  for (const gone of ['left', 'away'] as const) {
    for (const moment of [20, 150, 260, 700]) {
      const { detector, pass, pings } = setUp({ leaving: { ping: 'unreachable', reaches: null } });
      const verdicts: boolean[] = [];
      pass(1);
      detector.confirm(contactOf('leaving'), (dead) => verdicts.push(dead));
      pass(moment);
      detector.declare(contactOf('leaving'), gone);
      const before = pings();
      pass(10_000);
      assert.deepEqual(verdicts, [true], `${gone} after ${moment} ms`);
      assert.equal(pings(), before, 'a host that left is not pinged');
    }
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
  assert.deepEqual(moves, [both], 'one more way to it may be the one that others need');
  assert.equal(detector.whereabouts(old), old);
  const moved = { host, addresses: ['192.0.2.1:2'] };
  detector.heard(moved);
  detector.heard({ ...moved });
  assert.deepEqual(moves, [both, moved]);
  assert.deepEqual(detector.whereabouts(old), moved);
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

test('a host is in the zone that it says itself, and is asked when others have said otherwise for long', () => {
  const { detector, moves, pass, pings } = setUp({ zoned: { ping: 'alive', reaches: null } });
  const host = 'zoned' as HostId;
  const plain = detector.contactOf(host)!;
  const [first, second] = [
    { ...plain, zone: 'attic' },
    { ...plain, zone: 'cellar' },
  ];
  moves.length = 0;
  detector.heard(first);
  assert.deepEqual(moves, [first], 'pointers to it name no zone');
  detector.heard({ ...first });
  assert.deepEqual(moves, [first], 'nothing new');
  assert.deepEqual(detector.whereabouts(second), first);
  assert.deepEqual(detector.whereabouts(plain), first);
  detector.checkZone(second);
  assert.equal(pings(), 0, 'it has just spoken');
  pass(30_000);
  detector.checkZone(first);
  assert.equal(pings(), 0, 'no one says otherwise');
  detector.checkZone(second);
  detector.checkZone(second);
  assert.equal(pings(), 1);
  detector.heard(second);
  assert.deepEqual(moves, [first, second]);
  assert.equal(detector.whereabouts(first), second);
});

test('what others say of a zone leads to no ping of a host that has spoken of late, is down or is only hearsay', () => {
  const { detector, watch, pass, pings } = setUp({
    zoned: { ping: 'alive', reaches: null },
    gone: { ping: 'alive', reaches: null },
  });
  const inAttic = (name: string): Contact => ({ ...contactOf(name), zone: 'attic' });
  watch('hearsay');
  detector.watch(new Map());
  detector.declare(contactOf('gone'), 'away');
  pass(40_000);
  detector.heard(contactOf('zoned'));
  const before = pings();
  for (const name of ['zoned', 'gone', 'hearsay', 'stranger']) detector.checkZone(inAttic(name));
  assert.equal(pings(), before);
  assert.equal(detector.liveness('stranger' as HostId), null);
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

const silentHost = contactOf('silent');
const host = 'silent' as HostId;

test('A18 each missed ping is waited for twice as long, and one that costs no waiting is sent again after 100 ms [R21]', () => {
  const { detector, pass, pinged } = setUp({ silent: { ping: 'timeout', reaches: null } });
  pass(1);
  detector.suspect(silentHost);
  pass(10_000);
  assert.deepEqual(
    pinged.map(({ at, timeout }) => [at - 1, timeout]),
    [
      [0, 250],
      [250, 500],
      [750, 1000],
    ],
  );
  const refused = setUp({ silent: { ping: 'unreachable', reaches: null } });
  refused.pass(1);
  refused.detector.suspect(silentHost);
  refused.pass(10_000);
  assert.deepEqual(
    refused.pinged.map(({ at }) => at - 1),
    [0, 110, 220],
  );
  assert.equal(isDown(refused.detector, 'silent'), true);
});

test('A18 a host that misses a ping is suspected, of which none is told, and answers itself out of it', () => {
  const { detector, pass, changes, behaviours, pings } = setUp({ silent: { ping: 'timeout', reaches: null } });
  const verdicts: boolean[] = [];
  pass(1);
  detector.confirm(silentHost, (dead) => verdicts.push(dead));
  const before = detector.changes;
  pass(250);
  assert.equal(detector.liveness(host), 'suspected');
  assert.equal(isDown(detector, 'silent'), false);
  assert.ok(detector.changes > before);
  behaviours['silent'] = { ping: 'alive', reaches: null };
  pass(5000);
  assert.equal(detector.liveness(host), 'alive');
  assert.deepEqual(changes, []);
  assert.deepEqual(verdicts, [false]);
  assert.equal(pings(), 3);
});

test('A18 what is heard from a host while its ping is in progress counts as its answer', () => {
  for (const misses of [1, 2, 3]) {
    const { detector, pass, changes } = setUp({ silent: { ping: 'timeout', reaches: null } });
    const verdicts: boolean[] = [];
    pass(1);
    detector.confirm(silentHost, (dead) => verdicts.push(dead));
    pass(250 * 2 ** (misses - 1) + 20);
    detector.heard(silentHost);
    pass(1200);
    assert.deepEqual(verdicts, [false], `in ping ${misses}`);
    assert.deepEqual(changes, []);
  }
});

test('A18 what is heard while helpers are asked counts more than what they say', () => {
  const { detector, pass } = setUp({
    silent: { ping: 'unreachable', reaches: null },
    helper: { ping: 'alive', reaches: false },
  });
  pass(1);
  detector.suspect(silentHost, true);
  pass(15);
  detector.heard(silentHost);
  pass(1000);
  assert.equal(isDown(detector, 'silent'), false);
});

test('A18 two live hosts help, of those the ones watched first; never the host itself, nor one that is down or only hearsay', () => {
  const { detector, pass, probed, probes, watch } = setUp({
    silent: { ping: 'unreachable', reaches: true },
    watched: { ping: 'alive', reaches: false },
    one: { ping: 'alive', reaches: false },
    two: { ping: 'alive', reaches: false },
    gone: { ping: 'alive', reaches: true },
  });
  watch('watched');
  detector.declare(contactOf('gone'), 'away');
  detector.suspect(contactOf('hearsay'));
  pass(1);
  detector.suspect(silentHost, true);
  pass(100);
  assert.equal(isDown(detector, 'silent'), true);
  assert.deepEqual(probed.slice(0, 1), ['watched']);
  assert.equal(probed.length, 2);
  assert.ok(['one', 'two'].includes(probed[1] ?? ''));
  assert.deepEqual(probes, [silentHost, silentHost], 'what they are asked to reach');
  const alone = setUp({ silent: { ping: 'unreachable', reaches: null } });
  alone.watch('hearsay');
  alone.detector.watch(new Map());
  alone.pass(1);
  alone.detector.suspect(silentHost, true);
  alone.pass(100);
  assert.equal(isDown(alone.detector, 'silent'), true);
  assert.deepEqual(alone.probed, []);
});

test('A18 helpers are chosen by chance, so that no two hosts ask the same for ever', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const { detector, pass, probed } = setUp({
    silent: { ping: 'unreachable', reaches: null },
    ...Object.fromEntries(names.map((name) => [name, { ping: 'alive' as const, reaches: true }])),
  });
  for (let turn = 0; turn < 40; turn++) {
    pass(1000);
    detector.suspect(silentHost, true);
  }
  pass(1000);
  assert.deepEqual([...new Set(probed)].sort(), names);
});

test('A18 one helper that reaches it outvotes another that does not, whichever answers first', () => {
  for (const first of [true, false]) {
    const { detector, pass } = setUp({
      silent: { ping: 'timeout', reaches: null },
      one: { ping: 'alive', reaches: first },
      two: { ping: 'alive', reaches: !first },
    });
    pass(1);
    detector.suspect(silentHost);
    pass(10_000);
    assert.equal(isDown(detector, 'silent'), false);
  }
});

test('A18 a host that is down is not asked again by who wants to know', () => {
  const { detector, pass, pings } = setUp({ silent: { ping: 'unreachable', reaches: null } });
  detector.declare(silentHost, 'away');
  const verdicts: boolean[] = [];
  detector.confirm(silentHost, (dead) => verdicts.push(dead));
  assert.deepEqual(verdicts, [], 'told later, as after a check');
  pass(1);
  assert.deepEqual(verdicts, [true]);
  assert.equal(pings(), 0);
});

test('A18 all who wait for one check are told, each once, and it takes one row of pings', () => {
  const { detector, pass, pings } = setUp({ silent: { ping: 'timeout', reaches: null } });
  const verdicts: string[] = [];
  pass(1);
  detector.confirm(silentHost, (dead) => verdicts.push(`one ${dead}`));
  pass(100);
  detector.confirm(silentHost, (dead) => verdicts.push(`two ${dead}`));
  pass(10_000);
  assert.deepEqual(verdicts, ['one true', 'two true']);
  assert.equal(pings(), 3);
});

test('A4 who leaves is gone at once, which is told once, and comes back with what it says', () => {
  const { detector, changes } = setUp({ silent: { ping: 'alive', reaches: null } });
  detector.declare(silentHost, 'away');
  detector.declare(silentHost, 'away');
  detector.declare(silentHost, 'left');
  detector.heard(silentHost);
  detector.heard(silentHost);
  assert.deepEqual(changes, [
    ['silent', 'away'],
    ['silent', 'left'],
    ['silent', 'alive'],
  ]);
});

test('H6 a host removed from the network is gone whatever is heard, and those that wait are told', () => {
  const { detector, pass, changes, pings } = setUp({ silent: { ping: 'timeout', reaches: null } });
  const verdicts: boolean[] = [];
  pass(1);
  detector.confirm(silentHost, (dead) => verdicts.push(dead));
  detector.bar(host);
  detector.bar(host);
  assert.deepEqual(verdicts, [true]);
  detector.heard(silentHost);
  pass(10_000);
  assert.equal(isDown(detector, 'silent'), true);
  assert.deepEqual(changes, [['silent', 'left']]);
  assert.equal(pings(), 1);
  detector.bar('never met' as HostId);
  detector.heard(contactOf('never met'));
  assert.equal(isDown(detector, 'never met'), true);
  assert.equal(detector.liveness('never met' as HostId), null);
  detector.watch(new Map([['never met' as HostId, { contact: contactOf('never met'), watching: 'close' }]]));
  assert.equal(detector.liveness('never met' as HostId), 'left');
});

test('A18 closed, it pings none, knows none and tells nothing', () => {
  for (const moment of [0, 5, 100, 225, 235]) {
    const { detector, watch, pass, changes, pings } = setUp({
      silent: { ping: 'unreachable', reaches: null },
      helper: { ping: 'alive', reaches: false },
    });
    watch('helper');
    pass(1);
    detector.suspect(silentHost);
    pass(moment);
    const before = detector.changes;
    detector.close();
    assert.ok(detector.changes > before);
    const sent = pings();
    pass(20_000);
    assert.deepEqual(detector.all(), []);
    assert.equal(pings(), sent, `closed after ${moment} ms`);
    assert.deepEqual(changes, []);
    detector.suspect(silentHost);
    pass(1000);
    assert.equal(pings(), sent);
  }
  const { detector, pass } = setUp({ lives: { ping: 'alive', reaches: null } });
  detector.suspect(contactOf('lives'));
  pass(5);
  detector.close();
  pass(100);
  assert.deepEqual(detector.all(), [], 'an answer that comes then is of no interest');
});

test('A18 a host that is heard before its ping is sent again is still asked, and who waits is told', () => {
  const { detector, pass, behaviours } = setUp({ silent: { ping: 'unreachable', reaches: null } });
  const verdicts: boolean[] = [];
  pass(1);
  detector.confirm(silentHost, (dead) => verdicts.push(dead));
  pass(50);
  behaviours['silent'] = { ping: 'alive', reaches: null };
  detector.heard(silentHost);
  pass(1000);
  assert.deepEqual(verdicts, [false]);
});

test('A18 a host that was never heard is pinged within one interval', () => {
  const { watch, pass, pinged } = setUp({});
  watch('stranger');
  pass(defaultTimers.pingInterval);
  assert.equal(pinged[0]?.host, 'stranger');
});

test('A18 what is known of a host is shown; of a stranger nothing is', () => {
  const { detector, pass } = setUp({});
  pass(7);
  detector.heard(silentHost, 80);
  detector.suspect(contactOf('hearsay'));
  assert.deepEqual(detector.all(), [
    { contact: silentHost, liveness: 'alive', lastHeard: 7, roundTrip: 80 },
    { contact: contactOf('hearsay'), liveness: 'alive', lastHeard: null, roundTrip: null },
  ]);
  assert.equal(detector.wasHeard(host), true);
  assert.equal(detector.wasHeard('hearsay' as HostId), false);
  assert.equal(detector.roundTrip(host), 80);
  assert.equal(detector.contactOf(host), silentHost);
  const stranger = 'stranger' as HostId;
  assert.equal(detector.wasHeard(stranger), false);
  assert.equal(detector.roundTrip(stranger), null);
  assert.equal(detector.contactOf(stranger), null);
  assert.equal(detector.liveness(stranger), null);
  assert.equal(detector.isDown(stranger), false);
  assert.equal(detector.timeout(stranger), defaultTimers.minTimeout);
});

test('A18 an answered ping measures the way there and back', () => {
  const { detector, pass } = setUp({ silent: { ping: 'alive', reaches: null } });
  pass(1);
  detector.suspect(silentHost);
  pass(10);
  assert.equal(detector.roundTrip(host), 10);
});

test('A18 a change of what is known is counted, and what is known already is none', () => {
  const { detector } = setUp({});
  const counts = (act: () => void): boolean => {
    const before = detector.changes;
    act();
    return detector.changes > before;
  };
  assert.equal(
    counts(() => detector.heard(silentHost)),
    true,
  );
  assert.equal(
    counts(() => detector.heard(silentHost)),
    false,
  );
  const moved = { host, addresses: ['192.0.2.1:2'] };
  assert.equal(
    counts(() => detector.heard(moved)),
    true,
  );
  assert.equal(
    counts(() => detector.heard({ host, addresses: [] })),
    false,
    'where it is it did not say',
  );
  assert.equal(detector.contactOf(host), moved);
  assert.equal(
    counts(() => detector.suspect(silentHost)),
    false,
    'hearsay',
  );
  assert.equal(
    counts(() => detector.declare(moved, 'away')),
    true,
  );
  assert.equal(
    counts(() => detector.suspect(silentHost)),
    true,
    'where it is gone, hearsay counts',
  );
  assert.equal(detector.contactOf(host), silentHost);
  assert.equal(
    counts(() => detector.suspect({ host, addresses: [] })),
    false,
  );
});

test('A26 only what was heard of a host that lives corrects where others say that it is', () => {
  const { detector, moves } = setUp({});
  const elsewhere = { host, addresses: ['192.0.2.1:2'] };
  detector.suspect(elsewhere);
  detector.suspect(silentHost);
  assert.equal(detector.contactOf(host), silentHost, 'the later hearsay counts');
  assert.equal(detector.whereabouts(elsewhere), elsewhere, 'hearsay against hearsay');
  detector.heard(silentHost);
  assert.deepEqual(moves, [silentHost], 'pointers may say otherwise');
  assert.equal(detector.whereabouts(elsewhere), silentHost);
  detector.declare(silentHost, 'away');
  assert.equal(detector.whereabouts(elsewhere), elsewhere);
});

test('A18 who is not watched any more is not pinged, and stays known', () => {
  const { detector, watch, pass, pinged } = setUp({
    silent: { ping: 'alive', reaches: null },
    other: { ping: 'alive', reaches: null },
  });
  watch('silent');
  pass(3000);
  watch('other');
  const until = pinged.length;
  pass(30_000);
  assert.ok(pinged.length > until);
  assert.ok(pinged.slice(until).every((ping) => ping.host === 'other'));
  assert.equal(detector.liveness(host), 'alive');
});

test('A18 a check that has begun goes on when its host is not watched any more', () => {
  const { detector, watch, pass } = setUp({ silent: { ping: 'unreachable', reaches: null } });
  watch('silent');
  pass(1);
  const verdicts: boolean[] = [];
  detector.confirm(silentHost, (dead) => verdicts.push(dead));
  pass(50);
  detector.watch(new Map());
  pass(5000);
  assert.deepEqual(verdicts, [true]);
});

test('A18 a host that is down is not pinged though it is watched', () => {
  const { detector, watch, pass, pings } = setUp({ silent: { ping: 'alive', reaches: null } });
  watch('silent');
  detector.declare(silentHost, 'away');
  pass(5000);
  assert.equal(pings(), 0);
});

test('A18 with no room left one that was never heard is forgotten, then one that is down, then any that nothing needs', () => {
  const { detector, watch, pass } = setUp({ watched: { ping: 'alive', reaches: null } });
  watch('hearsay');
  watch('watched');
  pass(1);
  detector.heard(contactOf('heard'));
  detector.heard(contactOf('heard too'));
  detector.heard(contactOf('away'));
  detector.declare(contactOf('away'), 'away');
  detector.watch(new Map([['watched' as HostId, { contact: contactOf('watched'), watching: 'close' }]]));
  const knows = (name: string) => detector.liveness(name as HostId) !== null;
  let made = 0;
  while (made < 16_384 - 5) detector.heard(contactOf(`filler ${made++}`));
  const names = ['watched', 'hearsay', 'heard', 'heard too', 'away'];
  detector.heard(contactOf('one more'));
  assert.equal(detector.all().length, 16_384);
  assert.deepEqual(names.filter(knows), ['watched', 'heard', 'heard too', 'away']);
  detector.heard(contactOf('two more'));
  assert.deepEqual(names.filter(knows), ['watched', 'heard', 'heard too']);
  const before = detector.changes;
  detector.heard(contactOf('three more'));
  assert.ok(detector.changes > before);
  assert.deepEqual(names.filter(knows), ['watched', 'heard too']);
});

test('A18 an answer that a settled check still waited for says nothing in the next one', () => {
  const { detector, pass, pings } = setUp({ silent: { ping: 'timeout', reaches: null } });
  pass(1);
  detector.suspect(silentHost);
  pass(100);
  detector.declare(silentHost, 'away');
  detector.heard(silentHost);
  pass(30);
  detector.suspect(silentHost);
  pass(170);
  assert.equal(pings(), 2, 'the first ping ran out, the second has not');
  pass(90);
  assert.equal(pings(), 3);
});

test('A5 a helper is waited for as long as its own ping may take, and its answer [R21]', () => {
  const { detector, pass } = setUp({
    silent: { ping: 'unreachable', reaches: null },
    mute: { ping: 'alive', reaches: null },
  });
  pass(1);
  detector.suspect(silentHost, true);
  pass(740);
  assert.equal(isDown(detector, 'silent'), false);
  pass(40);
  assert.equal(isDown(detector, 'silent'), true);
});

test('A18 pings do not fall into step: their distance varies by a fifth', () => {
  const { watch, pass, pinged } = setUp({ silent: { ping: 'alive', reaches: null } });
  watch('silent');
  pass(10_000);
  const gaps = pinged.slice(1).map(({ at }, place) => Math.round(at - pinged[place]!.at));
  assert.ok(new Set(gaps).size > gaps.length / 2, gaps.join());
  assert.ok(
    gaps.every((gap) => gap >= 399 && gap <= 501),
    gaps.join(),
  );
});

test('A5 after a silence on this side all watched hosts are pinged at once, and what they missed is forgotten [R37]', () => {
  const { detector, watch, pass, pinged, behaviours, changes } = setUp({
    missed: { ping: 'timeout', reaches: null },
    gone: { ping: 'unreachable', reaches: null },
  });
  watch('gone');
  pass(5000);
  assert.equal(isDown(detector, 'gone'), true);
  watch('missed');
  pass(1000);
  assert.equal(detector.liveness('missed' as HostId), 'suspected');
  const verdicts: boolean[] = [];
  detector.confirm(contactOf('missed'), (dead) => verdicts.push(dead));
  pinged.length = 0;
  behaviours['missed'] = { ping: 'alive', reaches: null };
  detector.resume();
  assert.deepEqual(
    pinged.map(({ host, timeout }) => [host, timeout]),
    [['missed', detector.timeout('missed' as HostId)]],
  );
  pass(10);
  assert.deepEqual(verdicts, [false]);
  pass(10_000);
  assert.deepEqual(changes, [['gone', 'dead']]);
});

test('A5 after a silence on this side hosts that are down, or that no one watches or waits for, are left alone [R37]', () => {
  const { detector, pass, pinged } = setUp({
    watched: { ping: 'alive', reaches: null },
    idle: { ping: 'alive', reaches: null },
    asked: { ping: 'timeout', reaches: null },
    gone: { ping: 'alive', reaches: null },
  });
  const watching = 'close';
  detector.watch(new Map(['watched', 'gone'].map((name) => [name as HostId, { contact: contactOf(name), watching }])));
  detector.declare(contactOf('gone'), 'away');
  pass(1);
  detector.suspect(contactOf('asked'));
  pinged.length = 0;
  detector.resume();
  assert.deepEqual(
    pinged.map(({ host }) => host),
    ['watched', 'asked'],
  );
});

test('A5 after a silence on this side a ping that was to be sent again is not sent beside the new one [R37]', () => {
  const { detector, pass, pinged } = setUp({ silent: { ping: 'unreachable', reaches: null } });
  pass(1);
  detector.suspect(silentHost);
  pass(50);
  detector.resume();
  pass(10_000);
  assert.deepEqual(
    pinged.map(({ at }) => at - 1),
    [0, 50, 160, 270],
  );
  assert.equal(isDown(detector, 'silent'), true);
});
