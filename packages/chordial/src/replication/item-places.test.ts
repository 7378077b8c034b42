import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingId } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import fc from 'fast-check';
import { StaticRing } from '../../test/fixtures/static-ring.ts';
import { cellOf, keysOfCell } from '../records/share-leaf.ts';
import { isInArc } from '../storage/range-parts.ts';
import { cellArcOf, placesOfCell, withWholeCells } from './item-places.ts';
import { PlacementCache } from './placement-cache.ts';

/** Near the borders of a few cells. */
const key = fc
  .tuple(fc.constantFrom('000', '001', '800', 'fff'), fc.constantFrom('0', '7', 'f'))
  .map(([cell, digit]) => cell + digit.repeat(61));

test('an arc with whole cells holds the first key of exactly those cells of which it holds a key', () => {
  fc.assert(
    fc.property(key, key, fc.array(key, { minLength: 1 }), (after, upTo, keys) => {
      const whole = withWholeCells({ after, upTo });
      for (const one of keys)
        if (isInArc({ after, upTo }, one)) assert.ok(isInArc(whole, keysOfCell(cellOf(one)).first));
      for (const cell of [0, 1, 0x800, 0xfff]) {
        const { first, last } = keysOfCell(cell);
        const meets =
          isInArc({ after, upTo }, first) || isInArc({ after, upTo }, last) || isInArc(cellArcOf(first), upTo);
        assert.equal(isInArc(whole, first), meets, `cell ${cell} of ${after} to ${upTo}`);
      }
    }),
    { numRuns: 500 },
  );
});

test('the leaves of a cell lie at the places of every key in it', async () => {
  const ring = new StaticRing();
  for (let host = 0; host < 200; host++) ring.add(contactOf(`host ${host}`), 20);
  const placement = new PlacementCache(ring.view(contactOf('host 0')), virtualClock().clock);
  for (const cell of [0, 7, 0x7ff, 0xfff]) {
    const { first } = keysOfCell(cell);
    const hosts = (await placesOfCell(placement, first, 256, 3)).map(({ host }) => host);
    const tails = Array.from({ length: 128 }, (_, tail) => (tail * 32).toString(16).padStart(3, '0'));
    const expected = new Set(
      tails.flatMap((tail) => ring.expectedPlaces((first.slice(0, 3) + tail.padEnd(61, '0')) as RingId, 3)),
    );
    for (const host of expected) assert.ok(hosts.includes(host));
    assert.equal(new Set(hosts).size, hosts.length);
  }
  placement.close();
});
