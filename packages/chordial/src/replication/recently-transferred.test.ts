import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { RecentlyTransferred } from './recently-transferred.ts';

test('B12 a block that the same host takes once more is doubted, one given to several is not', () => {
  const doubted: string[] = [];
  const recentlyTransferred = new RecentlyTransferred((key) => doubted.push(key));
  const [a, b] = ['a', 'b'] as HostId[];
  recentlyTransferred.note(a!, 'one');
  recentlyTransferred.note(b!, 'one');
  recentlyTransferred.note(a!, 'two');
  assert.deepEqual(doubted, []);
  recentlyTransferred.note(a!, 'one');
  assert.deepEqual(doubted, ['one']);
  recentlyTransferred.doubt('two');
  assert.deepEqual(doubted, ['one', 'two']);
});
