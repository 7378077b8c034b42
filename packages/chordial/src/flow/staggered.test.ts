import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { type Attempt, inTurn, staggered } from './staggered.ts';

/** Attempts that are settled by hand. */
function attempts(count: number) {
  const begun: number[] = [];
  const settle: PromiseWithResolvers<string>[] = Array.from({ length: count }, () => Promise.withResolvers());
  const ended: number[] = [];
  const all: Attempt<string>[] = settle.map(({ promise }, index) => (signal) => {
    begun.push(index);
    signal.addEventListener('abort', () => ended.push(index));
    return promise;
  });
  return { all, begun, ended, settle };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

test('the next attempt begins after the delay, or at once after a failure; the first result counts', async () => {
  const { clock, pass } = virtualClock();
  const { all, begun, ended, settle } = attempts(4);
  const discarded: string[] = [];
  const result = staggered(inTurn(all), { clock, delay: 250, discard: (late) => discarded.push(late) });
  assert.deepEqual(begun, [0]);
  pass(249);
  assert.deepEqual(begun, [0]);
  pass(1);
  assert.deepEqual(begun, [0, 1]);
  settle[1]!.reject(new Error('refused'));
  await turns();
  assert.deepEqual(begun, [0, 1, 2]);
  settle[2]!.resolve('third');
  assert.equal(await result, 'third');
  assert.ok([0, 1, 2].every((one) => ended.includes(one)));
  pass(10_000);
  settle[0]!.resolve('late');
  await turns();
  assert.deepEqual([begun, discarded], [[0, 1, 2], ['late']]);
});

test('without a delay one attempt follows the other, and the last failure is told', async () => {
  const { clock, pass } = virtualClock();
  const { all, begun, settle } = attempts(2);
  const result = staggered(inTurn(all), { clock, delay: null, discard: () => undefined });
  pass(60_000);
  assert.deepEqual(begun, [0]);
  settle[0]!.reject(new Error('first'));
  await turns();
  assert.deepEqual(begun, [0, 1]);
  settle[1]!.reject(new Error('second'));
  await assert.rejects(result, /second/);
});

test('a caller that gives up ends all attempts', async () => {
  const { clock, pass } = virtualClock();
  const { all, begun, ended } = attempts(3);
  const giving = new AbortController();
  const result = staggered(inTurn(all), { clock, delay: 250, discard: () => undefined, signal: giving.signal });
  pass(250);
  giving.abort(new Error('enough'));
  await assert.rejects(result, /enough/);
  pass(1000);
  assert.deepEqual(
    [begun, ended],
    [
      [0, 1],
      [0, 1],
    ],
  );
});
