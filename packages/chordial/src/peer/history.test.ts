import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import { History, historySubjects, type Reading } from './history.ts';

function world() {
  const settings = new Map<string, unknown>();
  const nothing = Object.fromEntries(Object.values(historySubjects).flatMap((all) => all.map((name) => [name, 0])));
  const state = { time: 1_800_000_000_000, reading: nothing as Reading, writes: 0, run: () => {} };
  const history = () =>
    new History({
      clock: {
        now: () => state.time,
        wallTime: () => state.time,
        after: (_, run) => {
          state.run = run;
          return { cancel: () => undefined };
        },
      },
      read: () => state.reading,
      catalog: {
        setting: (name) => settings.get(name),
        setSetting: async (name, value) => {
          state.writes += 1;
          settings.set(name, JSON.parse(JSON.stringify(value)));
        },
      },
      failed: (error) => assert.fail(error),
    });
  const pass = (seconds: number, more: Partial<Reading> = {}) => {
    for (let step = 0; step < seconds; step += 10) {
      state.time += 10_000;
      state.reading = { ...state.reading, ...more };
      state.run();
    }
  };
  return { settings, state, history, pass };
}

test('rates, storage and queries are kept by step, a restart leaves a gap, and writes are rare', async () => {
  const { state, history, pass, settings } = world();
  const first = history();
  pass(10, { 'up people': 5000, used: 70, asked: 2 });
  const series = (of: 'rates' | 'storage' | 'queries', span: 'hour' | 'day' | 'month', name: string, from = first) =>
    from.shown(of, span).series.find((one) => one.name === name)!.values;
  assert.equal(series('rates', 'hour', 'up people').at(-1), 5000, 'the step has just begun');
  pass(10);
  assert.deepEqual(series('rates', 'hour', 'up people').slice(-3), [null, 500, 0]);
  assert.equal(series('storage', 'day', 'used').at(-1), 70);
  const { times, stepSeconds } = first.shown('queries', 'month');
  assert.deepEqual([times.length, stepSeconds, times.at(-1)! - times.at(-2)!], [360, 7200, 7200]);
  pass(600);
  assert.equal(state.writes, 2);
  await first.close();
  state.time += 60_000;
  state.reading = { ...state.reading, 'up people': 0 };
  const second = history();
  pass(10, { 'up people': 1000 });
  const rates = series('rates', 'hour', 'up people', second);
  assert.equal(rates.filter((one) => one === 500).length, 1, 'what was before the restart');
  assert.ok(rates.slice(-7, -1).includes(null), 'the gap');
  pass(3600);
  assert.ok(!series('rates', 'hour', 'up people', second).includes(500), 'an hour later it is over');
  await second.close();
  settings.set('history', { hour: 'damaged', day: 5 });
  assert.equal(series('rates', 'day', 'up people', history()).filter((one) => one !== null).length, 1);
});

test('history is told by the API', async () => {
  await using served = await ServedPeer.open();
  const answer = await served.fetch('/api/v1/history?of=storage&span=day');
  const { stepSeconds, series } = (await answer.json()) as ReturnType<History['shown']>;
  assert.deepEqual([stepSeconds, series.map(({ name }) => name)], [300, ['quota', 'used', 'cached']]);
  assert.equal((await served.fetch('/api/v1/history?of=weather&span=day')).status, 400);
});
