/** Peers continuously join and leave for good while others put and get. */
import { setTimeout as wait } from 'node:timers/promises';
import { promisedMilliseconds } from '../patient-read.ts';
import { untilRecovered } from '../recovery.ts';
import { someHosts } from '../steps.ts';
import type { Torture } from '../torture.ts';
import { Workload } from '../workload.ts';
import type { FaultRow } from './fault-row.ts';
import { isWithin, reckon, seconds } from './reckoning.ts';

const load = { writers: 3, readers: 4, paceMilliseconds: 50 };
const betweenMilliseconds = 3000;

export const churn: FaultRow = {
  name: 'churn',
  what: 'joins and leaves while putting and getting without pause',
  target: '0 lost, 0 wrong, failed reads retried within 2 s',
  peers: 30,
  files: 300,
  async measure({ torture, minutes }) {
    const workload = new Workload(torture, load, 'amid');
    const until = performance.now() + minutes * 60_000;
    const peers = torture.network.up.length;
    const goesOn = () => performance.now() < until && !torture.signal.aborted;
    const [joined, left] = await Promise.all([
      repeat(torture, goesOn, async () => void (await torture.network.add())),
      repeat(torture, goesOn, async () => {
        // Equal numbers leave and join, so the size stays constant.
        if (torture.network.up.length > peers - 2) await someHosts(torture, 1)[0]?.leave();
      }),
    ]);
    await workload.stop();
    const isWhole = await untilRecovered(torture, 'churn');
    const { text, isSound } = await reckon(torture);
    // The promise is about failed reads; their duration is reported as well.
    const { retriedReads, slowestRetriedReadMilliseconds } = torture.tally;
    const again =
      retriedReads === 0
        ? 'none tried again'
        : `${retriedReads} tried again within ${seconds(slowestRetriedReadMilliseconds)}`;
    const settled = torture.tally.recoveries.at(-1)?.fullMilliseconds ?? null;
    return {
      figure: `${joined} joins, ${left} leaves, ${torture.tally.acknowledged} puts; ${text}, ${again}; full replicas ${seconds(settled)} after`,
      passed: isSound && isWithin(slowestRetriedReadMilliseconds, promisedMilliseconds) && isWhole,
    };
  },
};

/** Success rate of the work. */
async function repeat(torture: Torture, goesOn: () => boolean, work: () => Promise<void>): Promise<number> {
  let times = 0;
  while (goesOn()) {
    try {
      await work();
      times += 1;
    } catch (error) {
      torture.log.step(`churn: ${(error as Error).message}`);
    }
    await wait(betweenMilliseconds);
  }
  return times;
}
