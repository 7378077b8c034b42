import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId, MemberPointer, RingId } from '@chordial/ring';
import { Absences } from './absences.ts';

const times = { graceMilliseconds: 20_000, quietMilliseconds: 5000 };
const contact = (name: string): Contact => ({ host: name as HostId, addresses: [] });
const member = (name: string): MemberPointer => ({ id: name as RingId, contact: contact(name), index: 0 });

/** The view of `me`, whose neighbours are all that are there unless told otherwise. */
function watching(hosts: readonly string[], neighbours = hosts) {
  const seen = { now: 0, hosts, neighbours };
  const states = () => [
    { me: member('me'), predecessor: member('me'), successors: seen.neighbours.map(member), epoch: 1 },
  ];
  const view = { hosts: () => seen.hosts.map(contact), states };
  const gone = { removed: new Set<string>(), leaving: new Set<string>() };
  const absences = new Absences(view, { now: () => seen.now }, times, {
    isRemoved: (host) => gone.removed.has(host),
    isLeaving: (host) => gone.leaving.has(host),
  });
  const change = (now: number, present: readonly string[], next = present): void => {
    Object.assign(seen, { now, hosts: present, neighbours: next });
    absences.look();
  };
  return { seen, gone, absences, change };
}

test('A8 the grace runs from when a host went', () => {
  const { seen, absences, change } = watching(['a', 'b', 'c']);
  assert.equal(absences.graceEnds(), null);
  change(1000, ['a', 'b']);
  assert.equal(absences.graceEnds(), 21_000);
  change(5000, ['a']);
  assert.equal(absences.graceEnds(), 25_000);
  seen.now = 25_000;
  assert.equal(absences.graceEnds(), null);
});

test('A8 a host that has come back counts as away until the ring is quiet, for it may not have its places yet', () => {
  const { seen, absences, change } = watching(['a', 'b', 'c']);
  change(1000, ['a', 'b']);
  change(2000, ['a', 'b', 'c']);
  assert.equal(absences.graceEnds(), 7000);
  change(6000, ['a', 'b', 'c']);
  assert.equal(absences.graceEnds(), 11_000);
  seen.now = 11_000;
  assert.equal(absences.graceEnds(), null);
  change(12_000, ['a', 'b', 'c']);
  assert.equal(absences.graceEnds(), null);
});

test('case 16 a host that a late message makes seem back, without its places, is waited for as long as one that is away', () => {
  const { seen, absences, change } = watching(['a', 'b', 'c']);
  change(1000, ['a', 'b']);
  change(1050, ['a', 'b', 'c'], ['a', 'b']);
  assert.equal(absences.graceEnds(), 21_050);
  seen.now = 15_000;
  assert.equal(absences.graceEnds(), 21_050);
  change(16_000, ['a', 'b', 'c']);
  assert.equal(absences.graceEnds(), 21_000);
  seen.now = 21_000;
  assert.equal(absences.graceEnds(), null);
});

test('a ring that is never quiet holds repair up for no more than one grace after a return', () => {
  const { seen, absences, change } = watching(['a', 'b']);
  change(1000, ['a']);
  for (let now = 2000; now < 22_000; now += 1000) change(now, ['a', 'b']);
  assert.equal(absences.graceEnds(), 22_000);
  seen.now = 22_000;
  assert.equal(absences.graceEnds(), null);
});

test('a host that goes once more is waited for again', () => {
  const { absences, change } = watching(['a', 'b']);
  change(1000, ['a']);
  change(2000, ['a', 'b']);
  change(3000, ['a']);
  assert.equal(absences.graceEnds(), 23_000);
});

test('only neighbours are waited for, also when they left the lists before they were known to be gone', () => {
  const { absences, change } = watching(['near', 'far'], ['near']);
  change(100_000, ['near', 'far'], []);
  change(101_000, ['near'], []);
  assert.equal(absences.graceEnds(), null);
  change(102_000, [], []);
  assert.equal(absences.graceEnds(), 122_000);
});

test('a host that comes back with data waits for those that may come with it, and trusts its view when that is quiet', () => {
  const { seen, absences, change } = watching([]);
  assert.equal(absences.isFindingOthers(), false);
  absences.awaitOthers();
  assert.equal(absences.graceEnds(), 20_000);
  change(4000, ['a']);
  seen.now = 8999;
  assert.equal(absences.isFindingOthers(), true);
  seen.now = 9000;
  assert.equal(absences.isFindingOthers(), false);
  assert.equal(absences.graceEnds(), 20_000);
});

test('neighbours that went are missed for ten minutes, but for those that return, are removed, or handed over before', () => {
  const { seen, gone, absences, change } = watching(['a', 'b', 'c', 'd']);
  gone.leaving.add('a');
  change(1000, ['b', 'c', 'd']);
  change(2000, ['b']);
  assert.deepEqual(absences.missed(), ['c', 'd']);
  change(3000, []);
  change(4000, ['c']);
  assert.deepEqual(absences.missed(), ['d', 'b']);
  gone.removed.add('b');
  assert.deepEqual(absences.missed(), ['d']);
  seen.now = 602_000;
  assert.deepEqual(absences.missed(), []);
});
