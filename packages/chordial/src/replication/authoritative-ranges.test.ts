import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import fc from 'fast-check';
import { isInArc } from '../storage/range-parts.ts';
import { AuthoritativeRanges } from './authoritative-ranges.ts';

/** Sixteen places, at the ends of sixteen equal parts of the circle; the last one is its end. */
const place = fc.nat(15).map((digit) => digit.toString(16) + 'f'.repeat(63));
const places = Array.from({ length: 16 }, (_, digit) => digit.toString(16) + 'f'.repeat(63));
const arc = fc.record({ after: place, upTo: place });

test('what ranges cover, alone or side by side, is what a list of places says', () => {
  fc.assert(
    fc.property(fc.array(arc, { maxLength: 6 }), arc, (ranges, asked) => {
      const confirmed = new AuthoritativeRanges({ now: () => 0 });
      for (const range of ranges) confirmed.confirm(range);
      const covered = (at: string) => ranges.some((range) => isInArc(range, at));
      for (const at of places) assert.equal(confirmed.covers(at), covered(at));
      const whole = places.filter((at) => isInArc(asked, at)).every(covered);
      assert.equal(confirmed.coversAll(asked), whole);
    }),
  );
});

test('a confirmation ends unless it is given again, or when a key inside turns out not to belong here', () => {
  let now = 0;
  const confirmed = new AuthoritativeRanges({ now: () => now }, () => false, 100);
  const [a, b, c] = [places[2]!, places[5]!, places[9]!];
  confirmed.confirm({ after: a, upTo: b });
  confirmed.confirm({ after: b, upTo: c });
  now = 60;
  confirmed.confirm({ after: b, upTo: c });
  now = 120;
  assert.deepEqual([confirmed.covers(b), confirmed.covers(c)], [false, true]);
  confirmed.withdraw(places[7]!);
  assert.equal(confirmed.covers(c), false);
  const told: unknown[] = [];
  confirmed.renewed = (range) => told.push(range);
  confirmed.confirm({ after: b, upTo: c });
  assert.deepEqual(told, [{ after: b, upTo: c }]);
});

test('what is confirmed in doubt is not said to be absent while as many hosts are away as a key has places', () => {
  const away = new Set(['p', 'q', 'r'].map((name) => name as HostId));
  const confirmed = new AuthoritativeRanges({ now: () => 0 }, (hosts) => hosts.filter((h) => away.has(h)).length >= 3);
  const [a, b, c] = [places[2]!, places[5]!, places[9]!];
  const state = () => [confirmed.covers(b), confirmed.isSureOf(b), confirmed.standing({ after: a, upTo: c })];
  confirmed.confirm({ after: b, upTo: c });
  assert.deepEqual(state(), [false, false, 'no']);
  confirmed.confirm({ after: a, upTo: b }, [...away]);
  assert.deepEqual(state(), [true, false, 'doubted']);
  away.delete('q' as HostId);
  assert.deepEqual(state(), [true, true, 'sure']);
});

test('a range that this host has outgrown says nothing of what is absent until it is confirmed again', () => {
  const confirmed = new AuthoritativeRanges({ now: () => 0 });
  const range = { after: places[2]!, upTo: places[5]! };
  const state = () => [confirmed.covers(range.upTo), confirmed.isSureOf(range.upTo), confirmed.standing(range)];
  confirmed.confirm(range);
  assert.deepEqual(state(), [true, true, 'sure']);
  confirmed.outgrow(range);
  assert.deepEqual(state(), [true, false, 'doubted']);
  confirmed.confirm(range);
  assert.deepEqual(state(), [true, true, 'sure']);
});
