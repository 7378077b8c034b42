import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberPointer } from '@chordial/ring';
import { memberAt, virtualClock } from '@chordial/ring/testing';
import { RingRecording } from './ring-recording.ts';

function scene(before: readonly string[] = ['10', '20']) {
  const { clock, pass } = virtualClock();
  let members: readonly MemberPointer[] = before.map((id) => memberAt(id));
  let count: number | null = null;
  const recording = new RingRecording({ clock, count: () => count ?? members.length, members: () => members });
  const began = clock.wallTime();
  return {
    recording,
    pass,
    began,
    set: (...ids: readonly string[]) => {
      members = ids.map((id) => memberAt(id));
    },
    crowd: (most: number | null) => {
      count = most;
    },
    ids: () => {
      const { from, members: first, changes } = recording.shown();
      const idsOf = (of: readonly MemberPointer[]) => of.map(({ id }) => id).sort();
      const told = changes.map(({ time, came, went }) => [time - began, idsOf(came), idsOf(went)] as const);
      return { from: from - began, first: idsOf(first), told };
    },
  };
}

test('A18 what came and went is recorded for five minutes, and the beginning moves on', () => {
  const { pass, set, ids, recording } = scene();
  pass(10_000);
  set('10', '20', '30');
  pass(1000);
  set('10', '30');
  pass(60_000);
  assert.deepEqual(ids(), {
    from: 0,
    first: ['10', '20'],
    told: [
      [11_000, ['30'], []],
      [12_000, [], ['20']],
    ],
  });
  pass(240_500);
  assert.deepEqual(ids(), { from: 11_500, first: ['10', '20', '30'], told: [[12_000, [], ['20']]] });
  pass(300_000);
  assert.deepEqual(ids(), { from: 311_500, first: ['10', '30'], told: [] });
  recording.close();
});

test('A18 a ring that is too large is not recorded, and again from when it is smaller', () => {
  const { pass, set, crowd, ids, recording } = scene();
  set('10');
  pass(1000);
  crowd(5000);
  pass(2000);
  assert.deepEqual([recording.shown().isTooLarge, ids().first, ids().told], [true, [], []]);
  crowd(null);
  pass(1000);
  assert.deepEqual(ids(), { from: 4000, first: ['10'], told: [] });
  set();
  pass(1000);
  assert.deepEqual(ids().told, [[5000, [], ['10']]]);
  recording.close();
});

test('A22 the oldest changes go first when there are too many', () => {
  const { pass, set, ids, recording } = scene([]);
  const many = Array.from({ length: 4000 }, (_, place) => (place + 4096).toString(16));
  for (let round = 0; round < 3; round++) {
    set(...many);
    pass(1000);
    set();
    pass(1000);
  }
  assert.deepEqual([ids().from, ids().first.length, ids().told.length], [2000, 0, 4]);
  recording.close();
});
