/** kill -9 of r − 1 peers at once while all files are read. */
import { untilFull } from '../recovery.ts';
import { someHosts } from '../steps.ts';
import { replicas } from '../torture.ts';
import { Workload } from '../workload.ts';
import type { FaultRow } from './fault-row.ts';
import { isWithin, reckon, seconds } from './reckoning.ts';

const fullWithinMilliseconds = 60_000;
const load = { writers: 0, readers: 4, paceMilliseconds: 20 };

export const killSome: FaultRow = {
  name: 'kill-some',
  what: 'kill -9 of r−1 = 2 peers at once',
  target: '0 lost, every read within 2 s, r copies again ≤ 60 s',
  peers: 12,
  files: 2000,
  async measure({ torture }) {
    const readers = new Workload(torture, load);
    const victims = someHosts(torture, replicas - 1);
    torture.log.step(`kill -9 ${victims.map(({ name }) => name).join(', ')}`);
    const since = performance.now();
    await Promise.all(victims.map((host) => host.kill()));
    const full = await untilFull(torture, [...torture.oracle.files.values()], since);
    await readers.stop();
    const { text, isSound, isQuick } = await reckon(torture);
    return {
      figure: `${text}; r copies again after ${seconds(full)}`,
      passed: isSound && isQuick && isWithin(full, fullWithinMilliseconds),
    };
  },
};
