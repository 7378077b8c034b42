import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTorture } from '../torture/run-torture.ts';
import { StepLog } from '../torture/step-log.ts';

/** Long enough for one step of each kind; `npm run torture` goes on for as long as it is told. */
const options = {
  minutes: 0.01,
  peers: 4,
  hidden: 0,
  seed: 3,
  load: { writers: 1, readers: 1, paceMilliseconds: 100 },
};

for (const step of ['kill', 'partition']) {
  test(`A5 A8 B4 after a ${step} of real peers nothing acknowledged is lost or wrong`, async () => {
    const log = new StepLog(`torture-${step}`, false);
    const { check, tally, isWhole } = await runTorture(
      { ...options, steps: [step] },
      log,
      new AbortController().signal,
    );
    assert.deepEqual(check, { lost: [], wrong: [], risen: [] });
    assert.equal(tally.wrongReads, 0);
    assert.ok(tally.acknowledged > 0 && tally.reads > 0);
    assert.ok(isWhole, `the steps are in ${log.file}`);
    log.remove();
  });
}
