import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Limit, limitText, sameLimit, Timetable, unlimited, wallClock } from './timetable.ts';

const mebibyte = 2 ** 20;
const both = (rate: number): Limit => ({ up: rate, down: rate });
const parse = (text: string): Timetable => Timetable.parse(text, '--limit');
/** Minutes since Sunday 00:00. */
const on = (day: number, hours: number, minutes = 0): number => (day * 24 + hours) * 60 + minutes;
const hour = 3_600_000;

test('B11 each moment of a timetable holds until the next, and the week wraps', () => {
  const table = parse('08:00,512k:2M Mon-18:00,10M;23:00,off');
  const worked: Limit = { up: 512 * 1024, down: 2 * mebibyte };
  for (const [minute, limit] of [
    [on(0, 0), unlimited],
    [on(0, 7, 59), unlimited],
    [on(0, 8), worked],
    [on(1, 17, 59), worked],
    [on(1, 18), both(10 * mebibyte)],
    [on(1, 22, 59), both(10 * mebibyte)],
    [on(1, 23), unlimited],
    [on(2, 18), worked],
    [on(6, 23, 59), unlimited],
  ] as const)
    assert.deepEqual(table.limitAt(minute), limit, String(minute));
  assert.equal(table.text, '08:00,512k:2M Mon-18:00,10M 23:00,off');
  const weekend = parse('saturday-10:00,stop sun-20:30,1.5M');
  assert.equal(weekend.limitAt(on(0, 20, 29)), 'stop');
  assert.deepEqual(weekend.limitAt(on(0, 20, 30)), both(1.5 * mebibyte));
  assert.deepEqual(weekend.limitAt(on(6, 9, 59)), both(1.5 * mebibyte));
  assert.deepEqual(parse('2M').limitAt(0), both(2 * mebibyte));
  assert.deepEqual(parse('off:1G').limitAt(0), { up: null, down: 1024 * mebibyte });
  assert.equal(parse('STOP').limitAt(0), 'stop');
});

test('B11 a wrong timetable is refused with the entry and what is right', () => {
  for (const [text, complaint] of [
    ['', /--limit is empty\. Give a rate/],
    ['0', /"0" has a rate of 0.*"off" for no limit, or "stop"/],
    ['08:00,0', /entry 1, "08:00,0", has a rate of 0/],
    ['1k', /1024 bytes a second: give at least 32K, or "stop"/],
    ['fast', /has no rate in "fast"/],
    ['-2M', /has no rate in "-2M"/],
    ['1M:2M:3M', /has more than two rates/],
    ['stop:2M', /has "stop" beside a rate/],
    ['08:00,1M 2M', /entry 2, "2M", has no time/],
    ['24:00,1M', /entry 1.*has no time in "24:00"/],
    ['8,1M', /has no time in "8"/],
    ['08:60,1M', /has no time in "08:60"/],
    ['Mo-08:00,1M', /has no day in "Mo"/],
    ['08:00,1M 09:00,2M 08:00,3M', /entry 3, "08:00,3M", begins on Sun-08:00, as entry 1 does/],
    ['Tue-08:00,1M 08:00,2M', /entry 2.*begins on Tue-08:00/],
    [Array.from({ length: 200 }, () => 'Mon-08:00,1M').join(' '), /is too long/],
  ] as const)
    assert.throws(() => parse(text), { code: 'bad-usage', message: complaint }, text);
});

test('B11 the next change is the moment at which something else holds', () => {
  const wall = wallClock('UTC');
  // Thursday 1 January 2026.
  const midnight = Date.UTC(2026, 0, 1);
  const table = parse('08:00,1M 12:00,1M 18:00,2M');
  assert.equal(table.nextChange(midnight, wall), midnight + 8 * hour);
  assert.equal(table.nextChange(midnight + 8 * hour, wall), midnight + 18 * hour);
  assert.equal(table.nextChange(midnight + 18 * hour, wall), midnight + 32 * hour);
  assert.equal(parse('2M').nextChange(midnight, wall), null);
  assert.equal(parse('08:00,2M 20:00,2M').nextChange(midnight, wall), null);
  assert.equal(parse('Thu-00:00,1M Wed-23:59,2M').nextChange(midnight, wall), midnight + 7 * 24 * hour - 60_000);
});

test('B11 over daylight-saving changes the wall clock decides', () => {
  // Berlin: 29 March 2026 from 02:00 to 03:00, 25 October 2026 from 03:00 back to 02:00.
  const berlin = wallClock('Europe/Berlin');
  const spring = Date.UTC(2026, 2, 29, 1);
  const skipped = parse('02:30,1M 22:00,2M');
  assert.equal(skipped.nextChange(spring - 2 * hour, berlin), spring, 'begins when its time was skipped');
  assert.deepEqual(skipped.at(spring - 1, berlin), both(2 * mebibyte));
  assert.deepEqual(skipped.at(spring, berlin), both(mebibyte));
  assert.equal(parse('08:00,1M 22:00,2M').nextChange(spring - hour, berlin), Date.UTC(2026, 2, 29, 6));

  const autumn = Date.UTC(2026, 9, 25, 1);
  const twice = parse('02:30,1M 22:00,2M');
  const changes: number[] = [];
  for (let at = autumn - 3 * hour; changes.length < 4; at = changes.at(-1)!)
    changes.push(twice.nextChange(at, berlin)!);
  assert.deepEqual(
    changes.map((at) => (at - autumn) / 60_000),
    [-30, 0, 30, 20 * 60],
    'the hour comes twice, and so does what holds in it',
  );
  assert.equal(parse('08:00,1M 22:00,2M').nextChange(autumn - 2 * hour, berlin), Date.UTC(2026, 9, 25, 7));

  // Half an hour, in the southern autumn: 5 April 2026, 02:00 back to 01:30.
  const island = wallClock('Australia/Lord_Howe');
  const back = Date.UTC(2026, 3, 4, 15);
  assert.equal(island.offset(back - 1) - island.offset(back), hour / 2);
  assert.equal(parse('01:45,1M 12:00,2M').nextChange(back - 1, island), back);
  // New York, 8 March 2026, over midnight into the short day.
  const york = wallClock('America/New_York');
  assert.equal(parse('23:00,off 04:00,1M').nextChange(Date.UTC(2026, 2, 8, 4, 30), york), Date.UTC(2026, 2, 8, 8));
});

test('B11 between two changes the same holds in every zone, and at the change something else', () => {
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
  const walls = new Map(zones.map((zone) => [zone, wallClock(zone)]));
  const time = fc.integer({ min: Date.UTC(2026, 0, 1) / 60_000, max: Date.UTC(2026, 11, 31) / 60_000 });
  const moments = fc.uniqueArray(fc.integer({ min: 0, max: 24 * 60 - 1 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(time, moments, fc.constantFrom(...zones), (minute, starts, zone) => {
      const two = (number: number): string => String(number).padStart(2, '0');
      const entries = starts.map((at, index) => `${two(Math.floor(at / 60))}:${two(at % 60)},${index + 1}M`);
      const table = parse(entries.join(' '));
      const wall = walls.get(zone)!;
      const at = minute * 60_000;
      const next = table.nextChange(at, wall);
      if (starts.length === 1) return next === null;
      const before = table.at(at, wall);
      for (let between = at; between < next!; between += 17 * 60_000)
        assert.ok(sameLimit(table.at(between, wall), before), new Date(between).toISOString());
      assert.ok(sameLimit(table.at(next! - 1, wall), before));
      assert.ok(!sameLimit(table.at(next!, wall), before));
      return next! > at;
    }),
    { numRuns: 60 },
  );
});

test('B11 a limit is shown as it is given', () => {
  for (const text of ['stop', 'off', '2M', '512K:2M', 'off:1G', '1536K', '40000'])
    assert.equal(limitText(parse(text).limitAt(0)), text);
});
