/** The week that is painted on the page, and the timetable that is kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Limit, sameLimit, Timetable } from '../../src/flow/timetable.ts';
import { changesWithinHours, hoursOf, hoursPerWeek, timetableText } from '../../web/src/week.ts';

const parse = (text: string): Timetable => Timetable.parse(text, 'The limit');
const rate = fc.option(fc.integer({ min: 32 * 1024, max: 2 ** 40 }));
const limit: fc.Arbitrary<Limit> = fc.oneof(fc.constant('stop' as const), fc.record({ up: rate, down: rate }));
/** Three rates, in runs as a person paints them. */
const painted = fc
  .tuple(
    fc.array(limit, { minLength: 1, maxLength: 3 }),
    fc.array(fc.record({ from: fc.nat(hoursPerWeek - 1), length: fc.nat(60), of: fc.nat(2) }), { maxLength: 12 }),
  )
  .map(([limits, runs]) => {
    const hours: Limit[] = new Array(hoursPerWeek).fill(limits[0]);
    for (const { from, length, of } of runs)
      for (let hour = from; hour < from + length; hour++) hours[hour % hoursPerWeek] = limits[of % limits.length]!;
    return hours;
  });

test('B11 a painted week is kept as a timetable of the same hours', () => {
  fc.assert(
    fc.property(painted, (hours) => {
      const timetable = parse(timetableText(hours));
      assert.equal(changesWithinHours(timetable), false);
      assert.ok(hoursOf(timetable).every((limit, hour) => sameLimit(limit, hours[hour]!)));
    }),
    { numRuns: 50 },
  );
});

test('B11 a timetable of full hours is read into a week, and what is kept of it says the same', () => {
  const entry = fc.tuple(
    fc.constantFrom('', 'Mon-', 'Sat-', 'Sun-'),
    fc.nat(23),
    fc.constantFrom('off', 'stop', '1M', '512K:2M'),
  );
  fc.assert(
    fc.property(fc.uniqueArray(entry, { minLength: 1, maxLength: 8, selector: ([, hour]) => hour }), (entries) => {
      const text = entries.map(([day, hour, said]) => `${day}${String(hour).padStart(2, '0')}:00,${said}`).join(' ');
      const [given, again] = [parse(text), parse(timetableText(hoursOf(parse(text))))];
      for (let minute = 0; minute < hoursPerWeek * 60; minute += 30)
        assert.ok(sameLimit(again.limitAt(minute), given.limitAt(minute)), `${text} at ${minute}`);
    }),
    { numRuns: 40 },
  );
  assert.equal(timetableText(hoursOf(parse('08:00,1M 18:00,off'))), '08:00,1M 18:00,off');
  assert.equal(timetableText(hoursOf(parse('2M'))), '2M');
  assert.equal(timetableText(hoursOf(parse('Mon-08:00,1M Fri-18:00,off'))), 'Mon-08:00,1M Fri-18:00,off');
  assert.equal(changesWithinHours(parse('08:30,1M 18:00,off')), true);
  const every: Limit[] = Array.from({ length: hoursPerWeek }, (_, hour) =>
    hour % 2 === 0 ? 'stop' : { up: 2 ** 20 + hour * 1024, down: null },
  );
  assert.ok(hoursOf(parse(timetableText(every))).every((limit, hour) => sameLimit(limit, every[hour]!)));
});
