import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { TransportError } from '../network/transport.ts';
import { listingTurns } from './listing-turns.ts';

const [greedy, modest] = ['greedy', 'modest'] as HostId[] as [HostId, HostId];

/** Turns on a clock that each page moves on by so much. */
function turnsOf(costMilliseconds: number) {
  const { clock, pass } = virtualClock();
  let spent = 0;
  const turns = listingTurns({ now: () => clock.now() + spent, after: (delay, done) => clock.after(delay, done) });
  const made: string[] = [];
  const page = (what: string) => () => {
    spent += costMilliseconds;
    made.push(what);
    return what;
  };
  return { turns, made, page, pass };
}

test('a page is made at once when no one waits, and what making it throws is told', async () => {
  const { turns, page, pass } = turnsOf(2);
  assert.equal(await turns.take(modest, page('first')), 'first');
  const broken = turns.take(modest, () => {
    throw new Error('no such cursor');
  });
  await assert.rejects(broken, /no such cursor/);
  pass(10);
  assert.equal(await turns.take(modest, page('second')), 'second');
});

test('a host that asks for one page waits for no more than one of each other asker, and half of the time is left to others', () => {
  const { turns, made, page, pass } = turnsOf(10);
  for (let index = 0; index < 12; index++) void turns.take(greedy, page(`greedy ${index}`));
  void turns.take(modest, page('modest'));
  assert.deepEqual(made, ['greedy 0']);
  pass(9);
  assert.deepEqual(made, ['greedy 0']);
  pass(12);
  assert.ok(made.indexOf('modest') <= 2, made.join(', '));
  pass(12 * 10);
  assert.equal(made.length, 13);
});

test('an asker with many pages waiting is told to ask again in a moment, and others are not', async () => {
  const { turns, made, page, pass } = turnsOf(10);
  const asked = Array.from({ length: 100 }, (_, index) => turns.take(greedy, page(`greedy ${index}`)));
  const theirs = turns.take(modest, page('modest'));
  pass(1000);
  const outcomes = await Promise.allSettled(asked);
  const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  assert.ok(refused.length >= 80 && refused.length < 100);
  for (const { reason } of refused) assert.ok(reason instanceof TransportError && reason.code === 'busy');
  assert.equal(await theirs, 'modest');
  assert.equal(made.length, 101 - refused.length);
});
