import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { Timetable, wallClock } from '../flow/timetable.ts';
import { Bandwidth } from '../network/bandwidth.ts';
import { PeerLimits } from './limits.ts';

const hour = 3_600_000;
/** Berlin, the day on which 03:00 becomes 02:00. */
const midnight = Date.UTC(2026, 9, 24, 22);

function scene(configured: string | null, kept?: unknown, wallTime = (now: number) => midnight + now) {
  const virtual = virtualClock();
  const clock = { ...virtual.clock, wallTime: () => wallTime(virtual.clock.now()) };
  const settings = new Map<string, unknown>([['limit', kept]]);
  const told: string[] = [];
  const bandwidth = new Bandwidth({ clock });
  const limits = new PeerLimits({
    clock,
    wall: wallClock('Europe/Berlin'),
    bandwidth,
    catalog: {
      setting: (name) => settings.get(name),
      setSetting: async (name, value) => void settings.set(name, value),
    },
    ...(configured === null ? {} : { configured: Timetable.parse(configured, '--limit') }),
    tell: ({ text }) => told.push(text),
  });
  return { limits, bandwidth, pass: virtual.pass, told, settings };
}

const iso = (time: number): string => new Date(time).toISOString();

test('B11 the timetable of the settings holds from moment to moment, over the hour that comes twice too', () => {
  const { limits, bandwidth, pass, told } = scene('02:30,512k:2M 03:00,stop 08:00,off');
  const changes: string[] = [];
  limits.onChange(() => changes.push(limits.status().limit));
  assert.deepEqual([limits.status().limit, limits.status().until], ['off', iso(midnight + 2.5 * hour)]);
  pass(2.5 * hour + 10);
  assert.deepEqual([bandwidth.all.up.perSecond, bandwidth.all.down.perSecond], [512 * 1024, 2 * 1024 * 1024]);
  // At 03:00 the wall shows 02:00 again.
  pass(hour / 2);
  assert.equal(bandwidth.limit !== 'stop' && bandwidth.limit.up, null);
  pass(hour);
  assert.equal(limits.status().limit, 'stop');
  assert.match(limits.reason() ?? '', /limit of this peer is "stop" until .*puts and gets wait/);
  assert.equal(limits.status().next, 'off');
  pass(6 * hour);
  assert.equal(limits.reason(), null);
  assert.deepEqual(changes, ['512K:2M', 'off', '512K:2M', 'stop', 'off']);
  assert.equal(told.length, changes.length);
  limits.close();
  pass(24 * hour);
  assert.equal(told.length, changes.length, 'nothing changes after the end');
});

test('B11 a limit for a while ends by itself, one without an end is kept', async () => {
  const { limits, bandwidth, pass, settings } = scene('08:00,1M 20:00,off');
  const set = await limits.set({ limit: '2M', milliseconds: hour });
  assert.deepEqual(
    [set.limit, set.source, set.until, set.next, set.forAWhileUntil],
    ['2M', 'for-a-while', iso(midnight + hour), 'off', iso(midnight + hour)],
  );
  assert.equal(settings.get('limit'), undefined);
  pass(hour + 10);
  assert.deepEqual([limits.status().limit, limits.status().source], ['off', 'settings']);
  await limits.set({ limit: '3M' });
  assert.equal(settings.get('limit'), '3M');
  await limits.set({ limit: 'stop', milliseconds: 10 * hour });
  assert.equal(bandwidth.limit, 'stop');
  pass(10 * hour + 10);
  assert.deepEqual([limits.status().limit, limits.status().source], ['3M', 'command']);
  await limits.set({ limit: null });
  assert.equal(settings.get('limit'), undefined);
  assert.deepEqual([limits.status().limit, limits.status().source], ['1M', 'settings']);
  limits.close();
});

test('B11 what is kept holds after a restart, unless it is none', async () => {
  const kept = scene('1M', '2M');
  assert.deepEqual([kept.limits.status().limit, kept.limits.status().configured], ['2M', '1M']);
  const damaged = scene('1M', 'fast');
  assert.equal(damaged.limits.status().limit, '1M');
  assert.match(damaged.told[0] ?? '', /kept in the data folder.*"fast".*settings holds/);
  await assert.rejects(damaged.limits.set({ limit: '0' }), { code: 'bad-usage', message: /"off".*"stop"/ });
  await assert.rejects(damaged.limits.set({ limit: null, milliseconds: 5 }), { code: 'bad-usage' });
  assert.equal(damaged.limits.status().limit, '1M');
  kept.limits.close();
  damaged.limits.close();
});

test('B11 what comes after a limit for a while is told rightly, though the clocks are read apart', async () => {
  let reads = 0;
  const { limits } = scene(null, undefined, (now) => midnight + now + (reads++ % 2));
  await limits.set({ limit: '2M', milliseconds: hour });
  for (let look = 0; look < 8; look++) assert.equal(limits.status().next, 'off');
  limits.close();
});
