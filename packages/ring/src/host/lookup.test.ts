import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingId } from '../protocol/identifier.ts';
import type { FindAnswer } from '../protocol/messages.ts';
import type { HostId, MemberPointer } from '../protocol/pointer.ts';
import { memberAt, virtualClock } from '../testing/virtual-clock.ts';
import { type Found, lookup } from './lookup.ts';
import type { AskFailure } from './ports.ts';
import { defaultTimers, maxLookupAsks } from './timers.ts';

type Reply = FindAnswer | AskFailure;

const nothing: FindAnswer = { owned: null, guesses: [], closer: [] };
const key = '50' as RingId;
const [before, owner, next] = [memberAt('48'), memberAt('60'), memberAt('70')];
const owned: FindAnswer = { owned: { owner, predecessor: before, successors: [next] }, guesses: [], closer: [] };
const guess = (...guesses: MemberPointer[]): FindAnswer => ({ owned: null, guesses, closer: [] });
const closer = (...pointers: MemberPointer[]): FindAnswer => ({ owned: null, guesses: [], closer: pointers });

interface Options {
  readonly parallel?: number;
  readonly seeds?: readonly string[];
  readonly self?: string | null;
  readonly down?: readonly string[];
  /** How long an answer of the host may take. */
  readonly patience?: (id: string) => number;
  /** By default a host answers after 10 ms, `timeout` only after a second. */
  readonly takes?: (id: string) => number;
}

const started = 5000;

interface Asked {
  readonly id: string;
  readonly at: number;
}

/** Begins a lookup whose time the test lets pass. */
function begin(local: () => FindAnswer, answer: (id: string, asked: number) => Reply, options: Options = {}) {
  const { parallel = 1, seeds = [], self = 'me', patience = () => 250, takes = () => 10 } = options;
  const { clock, pass } = virtualClock();
  // Times are told from here on.
  pass(started);
  const asked: Asked[] = [];
  const down = new Set<HostId>((options.down ?? []).map((id) => `host-${id}` as HostId));
  const outcomes: { readonly found: Found | null; readonly at: number }[] = [];
  const failures: [string, AskFailure][] = [];
  const stale: [string, string | null][] = [];
  const idOf = (host: HostId) => host.replace('host-', '');
  lookup(
    key,
    {
      clock,
      timers: defaultTimers,
      self: self as HostId | null,
      parallel,
      seeds: seeds.map((id) => memberAt(id).contact),
      local,
      timeout: (host) => patience(idOf(host)),
      isDown: (host) => down.has(host),
      failed: (contact, failure) => {
        failures.push([idOf(contact.host), failure]);
        if (failure === 'unreachable') down.add(contact.host);
      },
      staleSelf: (contact, before) => stale.push([idOf(contact.host), before?.id ?? null]),
      ask: (contact, _key, done) => {
        const id = idOf(contact.host);
        asked.push({ id, at: clock.now() - started });
        const reply = answer(id, asked.length);
        clock.after(reply === 'timeout' ? 1000 : takes(id), () => done(reply));
      },
    },
    (found) => outcomes.push({ found, at: clock.now() - started }),
  );
  return { pass, asked, ids: () => asked.map(({ id }) => id), outcomes, failures, stale };
}

/** Runs one lookup to its end. */
function run(local: FindAnswer, answer: (id: string, asked: number) => Reply, options: Options = {}) {
  const begun = begin(() => local, answer, options);
  begun.pass(20_000);
  assert.equal(begun.outcomes.length, 1, 'done is called exactly once');
  return { ...begun, found: begun.outcomes[0]?.found ?? null, asked: begun.ids() };
}

test('A10 a key of my own is answered without asking', () => {
  const { found, asked } = run(owned, () => nothing);
  assert.equal(found?.hops, 0);
  assert.deepEqual(asked, []);
});

test('A10 C2 a right guess is one hop, and the owner itself confirms it [R27]', () => {
  const { found, asked } = run(guess(owner, next), () => owned);
  assert.equal(found?.owner.id, owner.id);
  assert.equal(found.hops, 1);
  assert.deepEqual(asked, ['60']);
});

test('A10 an owner that does not cover the key is not believed [R27]', () => {
  const lie: FindAnswer = { owned: { owner, predecessor: memberAt('55'), successors: [] }, guesses: [], closer: [] };
  const { found } = run(guess(owner), () => lie);
  assert.equal(found, null);
});

test('A10 it approaches through the closest member before the key [R28]', () => {
  const { asked, found } = run(closer(memberAt('10'), memberAt('30'), memberAt('e0')), (id) => {
    if (id === '30') return closer(memberAt('40'));
    return id === '40' ? guess(owner) : owned;
  });
  assert.deepEqual(asked, ['30', '40', '60']);
  assert.equal(found?.hops, 3);
});

test('A5 a dead guess costs a time-out, and the next guess owns the key', () => {
  const { found, asked } = run(guess(memberAt('52'), owner), (id) => (id === '52' ? 'unreachable' : owned));
  assert.deepEqual(asked, ['52', '60']);
  assert.equal(found?.timeouts, 1);
});

test('A5 a silent guess is not waited for: the next is asked after the hedge [R28]', () => {
  const { found } = run(guess(memberAt('52'), owner), (id) => (id === '52' ? 'timeout' : owned));
  assert.ok(found !== null && found.took < defaultTimers.lookupHedge + 50);
});

test('A5 silent members before the key hold nothing up either [R28]', () => {
  const silent = closer(memberAt('40'), memberAt('30'), memberAt('20'));
  const { found } = run(silent, (id) => (id === '20' ? guess(owner) : id === '60' ? owned : 'timeout'));
  assert.ok(found !== null && found.took < 2 * defaultTimers.lookupHedge + 100);
});

test('A3 a guess that has a newcomer before it names it, and the newcomer confirms', () => {
  const newcomer = memberAt('58');
  const confirmed: FindAnswer = {
    owned: { owner: newcomer, predecessor: before, successors: [owner] },
    guesses: [],
    closer: [],
  };
  const { found, asked } = run(guess(owner), (id) => (id === '60' ? guess(newcomer) : confirmed));
  assert.deepEqual(asked, ['60', '58']);
  assert.equal(found?.owner.id, '58');
});

test('A5 an owner that has just died: it waits for the repair and finds the next', () => {
  const dead = memberAt('52');
  let repaired = false;
  const { found, asked } = run(guess(dead, owner), (id, count) => {
    repaired ||= count > 12;
    if (id === '52') return 'unreachable';
    return repaired ? owned : guess(dead);
  });
  assert.equal(found?.owner.id, owner.id);
  assert.ok(asked.filter((id) => id === '52').length === 1, 'a host found dead is not asked again');
});

test('A22 a lookup that finds no one ends within its budget and its bound of asks [R29]', () => {
  const { found, asked } = run(closer(memberAt('30')), () => nothing);
  assert.equal(found, null);
  assert.ok(asked.length <= maxLookupAsks);
});

test('A10 what is found is the owner with its neighbours, the answers that it took, and the time', () => {
  const { found } = run(closer(memberAt('30')), (id) => (id === '30' ? guess(owner) : owned));
  const asked = [
    { contact: memberAt('30').contact, place: '30', at: 0, took: 10, answer: 'closer' },
    { contact: owner.contact, place: '60', at: 10, took: 10, answer: 'owner' },
  ];
  assert.deepEqual(found, { owner, predecessor: before, successors: [next], hops: 2, timeouts: 0, took: 20, asked });
  assert.equal(run(owned, () => nothing).found?.took, 0);
});

test('A10 of the believed owners the nearest after the key is asked first, the key itself before all', () => {
  const unsorted = guess(memberAt('10'), memberAt('70'), memberAt('60'), memberAt('f0'));
  assert.deepEqual(run(unsorted, () => 'unreachable').asked.slice(0, 4), ['60', '70', 'f0', '10']);
  const itself = guess(memberAt('60'), memberAt('50'), memberAt('4f'));
  assert.deepEqual(run(itself, () => 'unreachable').asked.slice(0, 3), ['50', '60', '4f']);
  const last = guess(memberAt('4f'), memberAt('50'));
  assert.deepEqual(run(last, () => 'unreachable').asked.slice(0, 2), ['50', '4f']);
});

test('A10 this host and those that are down are not asked', () => {
  const local = { ...guess(memberAt('52', 'me'), memberAt('54'), owner), closer: [memberAt('40', 'me')] };
  assert.deepEqual(run(local, () => owned, { down: ['54'] }).asked, ['60']);
  // A lookup that may lead back here asks this host as any other.
  assert.deepEqual(run(guess(memberAt('52', 'me')), () => nothing, { self: null }).asked[0], 'me');
});

test('A10 so many members before the key are asked at once as are allowed, and one believed owner at a time [R28]', () => {
  const local = closer(...['10', '20', '30', '40'].map((id) => memberAt(id)));
  for (const parallel of [1, 2, 3]) {
    const { ids, pass } = begin(
      () => local,
      () => nothing,
      { parallel },
    );
    assert.deepEqual(ids(), ['40', '30', '20'].slice(0, parallel));
    pass(10);
    assert.equal(ids().length, Math.min(4, 2 * parallel), 'each answer lets another be asked');
  }
  const guesses = begin(
    () => ({ ...local, guesses: [owner, next] }),
    () => nothing,
    { parallel: 3 },
  );
  assert.deepEqual(guesses.ids(), ['60']);
});

test('A10 a member that names the believed owner ends the approach: the owner is asked next', () => {
  const local = closer(memberAt('40'), memberAt('30'), memberAt('20'));
  const { asked } = run(local, (id) => (id === '40' ? guess(owner) : owned));
  assert.deepEqual(asked, ['40', '60']);
});

test('A10 after three believed owners that know nothing a member before the key is asked, then the next of them', () => {
  const guesses = ['51', '52', '53', '54', '55'].map((id) => memberAt(id));
  const { ids, pass } = begin(
    () => ({ ...guess(...guesses), closer: [memberAt('40'), memberAt('30')] }),
    () => nothing,
  );
  pass(69);
  assert.deepEqual(ids(), ['51', '52', '53', '40', '54', '55', '30']);
  // With no member before the key they are asked to the last.
  const alone = begin(
    () => guess(...guesses),
    () => nothing,
  );
  alone.pass(49);
  assert.deepEqual(alone.ids(), ['51', '52', '53', '54', '55']);
});

test('A10 owners that name ever others are not followed beyond the third in a round', () => {
  const chain = ['59', '58', '57', '56', '55', '54', '53'];
  const { ids, pass } = begin(
    () => ({ ...guess(memberAt('59')), closer: [memberAt('40')] }),
    (id) => (id < '53' ? nothing : guess(memberAt(chain[chain.indexOf(id) + 1] ?? '53'))),
  );
  pass(125);
  assert.deepEqual(ids(), ['59', '58', '57']);
  pass(10);
  assert.equal(ids()[3], '56', 'the next round begins with the nearest of those named');
});

test('A10 when three have named owners that do not answer for the key, those further back are left alone', () => {
  const local = closer(...['45', '40', '35', '30', '25'].map((id) => memberAt(id)));
  const { ids, pass } = begin(
    () => local,
    (id) => (id > '50' ? 'unreachable' : guess(memberAt(`6${id[0]}`))),
    { parallel: 1 },
  );
  pass(90);
  assert.deepEqual(
    ids().filter((id) => id < '50'),
    ['45', '40', '35'],
  );
});

test('A5 a round that came to nothing is tried again after 100 ms with what this host knows by then', () => {
  let isHealed = false;
  const { asked, outcomes, pass } = begin(
    () => (isHealed ? guess(owner) : closer(memberAt('40'))),
    (id) => (id === '60' ? owned : nothing),
  );
  pass(50);
  isHealed = true;
  pass(1000);
  assert.deepEqual(asked, [
    { id: '40', at: 0 },
    { id: '60', at: 110 },
  ]);
  assert.equal(outcomes[0]?.found?.hops, 2);
});

test('A5 in the next round the owners named before are asked first, and everybody may be asked once more', () => {
  const { ids, pass } = begin(
    () => closer(memberAt('40')),
    (id) => (id === '40' ? guess(owner) : nothing),
  );
  pass(125);
  assert.deepEqual(ids(), ['40', '60', '60']);
  pass(10);
  assert.deepEqual(ids(), ['40', '60', '60', '40']);
});

test('A10 with nothing better known the given hosts are asked, each once in a round', () => {
  const { ids, pass } = begin(
    () => nothing,
    (id) => (id === '11' ? closer(memberAt('12')) : nothing),
    { seeds: ['11', '12', '13'] },
  );
  pass(35);
  assert.deepEqual(ids(), ['11', '12', '13']);
  pass(110);
  assert.deepEqual(ids().slice(3, 5), ['11', '12']);
});

test('A5 a host is waited for as long as its answers are known to take before another is asked beside it [R28]', () => {
  for (const [patience, at] of [
    [700, 700],
    [10, defaultTimers.lookupHedge],
  ] as const) {
    const { asked, pass } = begin(
      () => guess(memberAt('52'), owner),
      (id) => (id === '52' ? 'timeout' : owned),
      { patience: (id) => (id === '52' ? patience : 250) },
    );
    pass(900);
    assert.deepEqual(asked, [
      { id: '52', at: 0 },
      { id: '60', at },
    ]);
  }
});

test('A5 a late answer still counts, and lets no further one be asked', () => {
  const { outcomes, ids, pass } = begin(
    () => closer(memberAt('40'), memberAt('30'), memberAt('20')),
    (id) => (id === '40' ? owned : 'timeout'),
    { takes: () => 400 },
  );
  pass(399);
  assert.deepEqual(ids(), ['40', '30']);
  pass(10);
  assert.equal(outcomes[0]?.found?.took, 400);
  pass(5000);
  assert.deepEqual(ids(), ['40', '30'], 'what was found ends it');
  assert.equal(outcomes.length, 1);
});

test('A5 a silent host that answers after another was asked in its place makes no room for a third', () => {
  const { asked, pass } = begin(
    () => closer(memberAt('40'), memberAt('30'), memberAt('20')),
    (id) => (id === '40' ? nothing : 'timeout'),
    { takes: () => 400 },
  );
  pass(700);
  assert.deepEqual(asked, [
    { id: '40', at: 0 },
    { id: '30', at: 300 },
    { id: '20', at: 600 },
  ]);
});

test('A10 while a believed owner is asked, what others answer lets no second one be asked', () => {
  const { asked, pass } = begin(
    () => closer(memberAt('40'), memberAt('30')),
    (id) => (id === '40' ? guess(owner) : id === '30' ? guess(memberAt('58')) : nothing),
    { parallel: 2, takes: (id) => ({ '40': 10, '30': 20 })[id] ?? 200 },
  );
  pass(220);
  assert.deepEqual(asked.slice(2), [
    { id: '60', at: 10 },
    { id: '58', at: 210 },
  ]);
});

test('A5 failures are told with their kind; a refusal is an answer and no time-out', () => {
  const { found, failures } = run(guess(memberAt('52'), memberAt('54'), memberAt('56'), owner), (id) =>
    id === '52' ? 'refused' : id === '54' ? 'unreachable' : id === '56' ? 'timeout' : owned,
  );
  assert.deepEqual(failures, [
    ['52', 'refused'],
    ['54', 'unreachable'],
  ]);
  assert.equal(found?.timeouts, 1);
  assert.equal(found.hops, 1);
});

test('A3 who believes in a previous life of this host at the key is told, with the member before it', () => {
  const { stale } = run(closer(memberAt('40'), memberAt('30')), (id) =>
    id === '40'
      ? guess(memberAt('50', 'me'))
      : id === '30'
        ? guess(memberAt('50', 'another'), memberAt('51', 'me'))
        : owned,
  );
  assert.deepEqual(stale[0], ['40', '30']);
  assert.ok(stale.every(([id]) => id === '40'));
  const beside = run(closer(memberAt('40')), () => guess(memberAt('50', 'me'), memberAt('51')));
  assert.deepEqual(beside.stale[0], ['40', null]);
});

test('A22 a lookup that hears nothing ends with its budget, to the millisecond [R29]', () => {
  const { outcomes, pass } = begin(
    () => closer(memberAt('40')),
    () => 'timeout',
  );
  pass(defaultTimers.lookupBudget - 1);
  assert.equal(outcomes.length, 0);
  pass(1);
  assert.deepEqual(outcomes, [{ found: null, at: defaultTimers.lookupBudget }]);
});

test('A22 hosts that name ever new ones are not followed beyond 64 asks [R29]', () => {
  let made = 0;
  const { asked, outcomes } = run(closer(memberAt('30')), () =>
    closer(memberAt(`3${(made++).toString(16).padStart(4, '0')}`)),
  );
  assert.equal(asked.length, 64);
  assert.equal(maxLookupAsks, 64);
  assert.deepEqual(outcomes[0], { found: null, at: 640 });
});
