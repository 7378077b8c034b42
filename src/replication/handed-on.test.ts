import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '../ring/pointer.ts';
import { HandedOn } from './handed-on.ts';

test('B12 a block that the same host takes once more is doubted, one given to several is not', () => {
  const doubted: string[] = [];
  const handedOn = new HandedOn((key) => doubted.push(key));
  const [a, b] = ['a', 'b'] as HostId[];
  handedOn.note(a!, 'one');
  handedOn.note(b!, 'one');
  handedOn.note(a!, 'two');
  assert.deepEqual(doubted, []);
  handedOn.note(a!, 'one');
  assert.deepEqual(doubted, ['one']);
  handedOn.doubt('two');
  assert.deepEqual(doubted, ['one', 'two']);
});
