import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { SharedRate } from './shared-rate.ts';

const stepMilliseconds = 5;

/** Virtual time in steps, between which what was waiting goes on. */
function steppedClock() {
  const { clock, pass } = virtualClock();
  return {
    ...clock,
    async run(milliseconds: number): Promise<void> {
      for (let passed = 0; passed < milliseconds; passed += stepMilliseconds) {
        await new Promise((resolve) => setImmediate(resolve));
        pass(stepMilliseconds);
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const weights = { waited: 4, served: 2, repair: 1 } as const;
type Class = keyof typeof weights;

/** A sender that always has more. */
function sender(rate: SharedRate<Class>, name: Class, piece = 5000) {
  const sent = { bytes: 0, isWanted: true };
  void (async () => {
    for (; sent.isWanted; sent.bytes += piece) {
      await rate.pass(name, piece, () => sent.isWanted);
      if (rate.perSecond === null) await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return sent;
}

function scene(perSecond: number | null) {
  const clock = steppedClock();
  return { clock, rate: new SharedRate<Class>(clock, weights, perSecond) };
}

test('B11 what passes stays within 5 % of the rate over 10 s, however many senders there are', async () => {
  for (const senders of [1, 7, 40]) {
    const { clock, rate } = scene(200_000);
    const all = Array.from({ length: senders }, (_, index) => sender(rate, index % 2 === 0 ? 'waited' : 'served'));
    await clock.run(10_000);
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    assert.ok(Math.abs(bytes - 2_000_000) < 100_000, `${senders} senders: ${bytes}`);
    for (const one of all) one.isWanted = false;
  }
});

test('B11 what waits while turns come late is made up for, idle time is not', async () => {
  let now = 0;
  let due: (() => void)[] = [];
  const clock = {
    now: () => now,
    after: (_: number, run: () => void) => {
      due.push(run);
      return { cancel: () => undefined };
    },
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const jump = async (milliseconds: number): Promise<void> => {
    now += milliseconds;
    const late = due;
    due = [];
    for (const run of late) run();
    await turn();
  };
  const rate = new SharedRate<Class>(clock, weights, 200_000);
  const all = Array.from({ length: 40 }, () => sender(rate, 'waited'));
  await turn();
  const bytes = () => all.reduce((sum, one) => sum + one.bytes, 0);
  const before = bytes();
  for (let jumps = 0; jumps < 10; jumps++) await jump(800);
  assert.ok(Math.abs(bytes() - before - 1_600_000) < 80_000, `${bytes() - before}`);
  for (const one of all) one.isWanted = false;
  await jump(2000);
  await jump(5000);
  let passed = 0;
  while (rate.pass('repair', 5000, () => true) === null) passed += 5000;
  assert.ok(passed <= 55_000, `${passed} at once after a pause`);
});

test('B11 classes share by weight, and what one leaves the others use', async () => {
  const { clock, rate } = scene(700_000);
  const repair = sender(rate, 'repair');
  await clock.run(5000);
  assert.ok(repair.bytes > 3_300_000, `${repair.bytes} alone`);
  const before = repair.bytes;
  const [waited, served] = [sender(rate, 'waited'), sender(rate, 'served')];
  await clock.run(10_000);
  for (const [bytes, part] of [
    [waited.bytes, 4],
    [served.bytes, 2],
    [repair.bytes - before, 1],
  ] as const)
    assert.ok(Math.abs(bytes - part * 1_000_000) < 60_000, `${bytes} of ${part} parts`);
  waited.isWanted = false;
  served.isWanted = false;
  repair.isWanted = false;
});

test('B11 what came without asking is paid by what waits', async () => {
  const { clock, rate } = scene(100_000);
  rate.take('served', 530_000);
  const waited = sender(rate, 'waited');
  await clock.run(4900);
  assert.equal(waited.bytes, 0);
  await clock.run(5100);
  assert.ok(Math.abs(waited.bytes - 500_000) < 25_000, `${waited.bytes}`);
  rate.giveBack(50_000);
  waited.isWanted = false;
});

test('B11 a changed rate holds at once, also for what waits', async () => {
  const { clock, rate } = scene(50_000);
  const one = sender(rate, 'waited');
  await clock.run(2000);
  const slow = one.bytes;
  assert.ok(slow <= 120_000, `${slow}`);
  rate.perSecond = 1_000_000;
  await clock.run(2000);
  assert.ok(Math.abs(one.bytes - slow - 2_000_000) < 270_000, `${one.bytes - slow}`);
  rate.take('waited', 10_000_000);
  const stuck = rate.pass('repair', 1, () => true);
  rate.perSecond = null;
  await stuck;
  assert.equal(
    rate.pass('repair', 1e9, () => true),
    null,
  );
  assert.equal(rate.piece(512), 512);
  one.isWanted = false;
});

test('B11 what is no longer wanted in its turn takes nothing', async () => {
  const { clock, rate } = scene(100_000);
  rate.take('waited', 40_000);
  const given = rate.pass('waited', 5_000_000, () => false);
  const next = rate.pass('waited', 1000, () => true);
  await clock.run(1000);
  await Promise.all([given, next]);
  assert.equal(
    rate.pass('repair', 1000, () => true),
    null,
  );
});
