import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { gatherMilliseconds, MoveNews, moveRate } from './moved-host.ts';

test('L a host that others move again and again tells it a few times soon, then every 5 s, and the last move too', () => {
  const time = virtualClock();
  let told = 0;
  const news = new MoveNews(time.clock, () => told++);
  const moveOften = (times: number): void => {
    for (let move = 0; move < times; move++) {
      news.moved();
      time.pass(gatherMilliseconds);
    }
  };
  moveOften(moveRate.burst + 1);
  assert.equal(told, moveRate.burst);
  time.pass(3000);
  assert.equal(told, moveRate.burst);
  time.pass(2000);
  assert.equal(told, moveRate.burst + 1);
  time.pass(60_000);
  assert.equal(told, moveRate.burst + 1);
  moveOften(moveRate.burst + 1);
  news.close();
  time.pass(60_000);
  assert.equal(told, 2 * moveRate.burst + 1);
});

test('B10 when all relays are lost and replaced at once, others are told of the new ones at once', () => {
  const time = virtualClock();
  const start = time.clock.now();
  let [addresses, lastTold]: [readonly string[], readonly string[]] = [[], []];
  let told = 0;
  const news = new MoveNews(time.clock, () => {
    told += 1;
    lastTold = addresses;
  });
  const become = (...now: string[]): void => {
    addresses = now;
    news.moved();
    time.pass(20);
  };
  for (const some of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['b', 'c'], ['c'], [], ['d'], ['d', 'e'], ['d', 'e', 'f']])
    become(...some);
  time.pass(gatherMilliseconds);
  assert.deepEqual(lastTold, ['d', 'e', 'f']);
  assert.equal(told, 2);
  assert.ok(time.clock.now() - start < 500);
});
