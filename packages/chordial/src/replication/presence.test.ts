import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Presence } from './block-sender.ts';

const absent = (count: number): readonly number[] => Array.from({ length: count }, () => -1);
const stored = (count: number): readonly string[] => Array.from({ length: count }, () => 'stored');

test('B4 one asks until many blocks in a row were not there', () => {
  const presence = new Presence();
  presence.answered(absent(15));
  assert.ok(presence.isWorthAsking);
  presence.answered([1000, ...absent(15)]);
  assert.ok(presence.isWorthAsking, 'one that was there begins the row again');
  presence.answered(absent(1));
  assert.ok(!presence.isWorthAsking);
});

test('B4 one asks again as soon as a block that was sent unasked was there already', () => {
  const presence = new Presence();
  presence.answered(absent(16));
  presence.sentUnasked(stored(4));
  assert.ok(!presence.isWorthAsking);
  presence.sentUnasked(['stored', 'present']);
  assert.ok(presence.isWorthAsking);
});

test('B4 one asks now and then whatever was there', () => {
  const presence = new Presence();
  presence.answered(absent(64));
  presence.sentUnasked(stored(128));
  assert.ok(presence.isWorthAsking);
  presence.answered(absent(1));
  assert.ok(!presence.isWorthAsking);
});
