/** A power failure of all hosts, which return in random order. */
import { setTimeout as wait } from 'node:timers/promises';
import { readPatiently } from '../patient-read.ts';
import { untilConsistent } from '../recovery.ts';
import type { Torture } from '../torture.ts';
import type { FaultRow } from './fault-row.ts';
import { isWithin, reckon, seconds } from './reckoning.ts';

const targetMilliseconds = 15_000;
const patienceMilliseconds = 120_000;
const readConcurrency = 4;
/** Shortest time of a manual restart. */
const betweenStartsMilliseconds = 100;

export const allAtOnce: FaultRow = {
  name: 'all-at-once',
  what: 'all peers killed at once and restarted in any order',
  target: 'one ring and every file readable ≤ 15 s',
  peers: 12,
  files: 300,
  async measure({ torture }) {
    const { network, random, log } = torture;
    await Promise.all(network.up.map((host) => host.kill()));
    const order = network.away.map((host) => ({ host, place: random.next() })).sort((a, b) => a.place - b.place);
    log.step(`all killed; restarted in the order ${order.map(({ host }) => host.number).join(' ')}`);
    const since = performance.now();
    await Promise.all(
      order.map(async ({ host }, index) => {
        await wait(index * betweenStartsMilliseconds);
        await network.start(host);
      }),
    );
    const started = performance.now() - since;
    const [ring, readable] = await Promise.all([untilConsistent(torture, since), untilReadable(torture, since)]);
    const { text, isSound } = await reckon(torture);
    return {
      figure: `all ready after ${seconds(started)}, one ring after ${seconds(ring)}, every file readable after ${seconds(readable)}; ${text}`,
      passed: isSound && isWithin(ring, targetMilliseconds) && isWithin(readable, targetMilliseconds),
    };
  },
};

/** Milliseconds from `since` until every file has been read; null if one failed. */
export async function untilReadable(torture: Torture, since: number): Promise<number | null> {
  const queue = torture.oracle.in('kept').slice();
  let missed = 0;
  const work = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (!(await readPatiently(torture, file, patienceMilliseconds))) missed += 1;
    }
  };
  await Promise.all(Array.from({ length: readConcurrency }, work));
  return missed > 0 ? null : performance.now() - since;
}
