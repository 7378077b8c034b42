/** What the page says of health, plots and the recorded ring, without a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Health, Pointer } from '../../src/client/answers.ts';
import { areas, niceTop, ticks } from '../../web/src/plot-geometry.ts';
import { happeningsIn, sceneAt } from '../../web/src/ring-replay.ts';
import { verdictOf } from '../../web/src/verdict.ts';

const disk = { id: 'a', name: 'a', isSelf: true, quota: 1000, used: 10, cached: 0, room: 900, lacking: 0, rare: 0 };
const copies = {
  state: 'whole',
  wanted: 3,
  hosts: 3,
  lacking: 0,
  answered: 3,
  asked: 3,
  until: null,
  waitsUntil: null,
};

function healthWith(changes: {
  readonly state?: Health['copies']['state'];
  readonly disk?: Partial<Health['disks'][number]>;
  readonly finding?: Health['findings'][number];
  readonly atRisk?: Health['atRisk'];
}): Health {
  return {
    level: 'good',
    time: '2026-01-01T00:00:00.000Z',
    findings: changes.finding === undefined ? [] : [changes.finding],
    copies: { ...copies, state: changes.state ?? 'whole' },
    atRisk: changes.atRisk ?? [],
    disks: [{ ...disk, version: '1', ...changes.disk }],
  };
}

test('B6 what is said first is the worst that is known, and nothing where all is well', () => {
  const bad = (check: string) => ({ check, level: 'bad', text: 'It is so.', code: 'clock-set', values: {} }) as const;
  const file = { name: 'a', publisher: 'p', publisherName: 'p', copies: 1, blocks: 1 };
  for (const [changes, kind, level] of [
    [{}, 'safe', 'good'],
    [{ disk: { used: 0 }, state: 'few-peers' }, 'empty', 'good'],
    [{ state: 'few-peers' }, 'few-peers', 'note'],
    [{ state: 'repairing' }, 'repairing', 'note'],
    [{ state: 'waiting' }, 'waiting', 'note'],
    [{ state: 'unknown' }, 'unknown', 'good'],
    [{ finding: { ...bad('disks'), level: 'note' } }, 'full', 'note'],
    [{ finding: { ...bad('reached by others'), level: 'note' } }, 'safe', 'good'],
    [{ finding: bad('clock'), state: 'repairing' }, 'trouble', 'bad'],
    [{ finding: bad('files at risk'), atRisk: [file] }, 'risk', 'bad'],
    [{ disk: { rare: 3 }, state: 'repairing' }, 'risk', 'bad'],
  ] as const)
    assert.deepEqual(verdictOf(healthWith(changes)), { kind, level });
});

test('B6 axes have round values, and round times of the clock of the reader, also on days of 23 and 25 hours', () => {
  assert.deepEqual([0, 0.3, 1, 1.1, 4, 7, 51].map(niceTop), [1, 0.5, 1, 2, 5, 10, 100]);
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Europe/Berlin';
  try {
    const clockOf = ({ time }: { readonly time: number }) => new Date(time * 1000).toTimeString().slice(0, 5);
    for (const day of ['2026-03-29', '2026-10-25', '2026-06-01']) {
      const last = Date.parse(`${day}T20:00:00Z`) / 1000;
      const times = Array.from({ length: 288 }, (_, place) => last - (287 - place) * 300);
      const found = ticks(times, 600);
      assert.ok(found.length >= 5, `${day}: ${found.length}`);
      assert.deepEqual([...new Set(found.map((tick) => clockOf(tick).slice(3)))], ['00'], day);
      const days = times.map((time) => time - (last - time) * 29);
      const dates = ticks(days, 600);
      assert.ok(dates.length >= 4 && dates.every((tick) => tick.isDate && clockOf(tick) === '00:00'), day);
    }
    assert.deepEqual(ticks([1], 600), []);
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});

test('B6 areas are stacked, and have gaps where nothing is known', () => {
  const series = [
    { name: 'a', values: [1, null, 2, 3] },
    { name: 'b', values: [4, null, 5, 6] },
  ];
  const drawn = areas([5, null, 7, 9], series).map(({ tone, from, lower, upper }) => [tone, from, lower, upper]);
  assert.deepEqual(drawn, [
    [0, 0, [0], [1]],
    [1, 0, [1], [5]],
    [0, 2, [0, 0], [2, 3]],
    [1, 2, [2, 3], [7, 9]],
  ]);
});

test('A18 a recorded ring is shown as it was at any moment, with who had just gone', () => {
  const at = (ringId: string, id: string): Pointer => ({ id, name: id, ringId, address: '', zone: null });
  const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const recording = {
    from: timeOf(0),
    until: timeOf(300),
    isTooLarge: false,
    members: [at('1', 'a'), at('2', 'b')],
    changes: [
      { time: timeOf(9), came: [at('3', 'c')], went: [] },
      { time: timeOf(10), came: [at('4', 'c')], went: [] },
      { time: timeOf(20), came: [], went: [at('2', 'b')] },
      { time: timeOf(24), came: [at('2', 'b')], went: [at('3', 'c')] },
    ],
  };
  const scene = (seconds: number) => {
    const { members, ghosts } = sceneAt(recording, seconds * 1000, 8000);
    return [members.map(({ ringId }) => ringId).sort(), ghosts.map(({ ringId }) => ringId)];
  };
  assert.deepEqual(scene(5), [['1', '2'], []]);
  assert.deepEqual(scene(10), [['1', '2', '3', '4'], []]);
  assert.deepEqual(scene(9), [['1', '2', '3'], []]);
  assert.deepEqual(scene(21), [['1', '3', '4'], ['2']]);
  assert.deepEqual(scene(25), [['1', '2', '4'], ['3']]);
  assert.deepEqual(scene(300), [['1', '2', '4'], []]);
  assert.deepEqual(
    happeningsIn(recording).map(({ kind, id, places }) => `${kind} ${id} ${places}`),
    ['came c 2', 'went b 1', 'came b 1', 'went c 1'],
  );
});
