/** kill -9 of one peer at a time with repair in between, until one peer holds everything. */

import { pick } from '../oracle.ts';
import { untilFull } from '../recovery.ts';
import { Workload } from '../workload.ts';
import type { FaultRow } from './fault-row.ts';
import { reckon, seconds } from './reckoning.ts';

const load = { writers: 0, readers: 2, paceMilliseconds: 50 };

export const oneByOne: FaultRow = {
  name: 'one-by-one',
  what: 'kill -9 one by one with repair between, until 1 is left',
  target: '0 lost',
  peers: 7,
  files: 300,
  async measure({ torture }) {
    const { network, oracle, log } = torture;
    const readers = new Workload(torture, load);
    let slowest: number | null = 0;
    while (network.up.length > 1 && slowest !== null && !torture.signal.aborted) {
      const victim = pick(network.up, torture.random);
      const since = performance.now();
      await victim?.kill();
      const full = await untilFull(torture, [...oracle.files.values()], since);
      log.step(`killed ${victim?.name}; ${network.up.length} left, full replicas after ${seconds(full)}`);
      slowest = full === null ? null : Math.max(slowest, full);
    }
    await readers.stop();
    const { text, isSound } = await reckon(torture);
    return { figure: `${text}; slowest repair ${seconds(slowest)}`, passed: isSound && slowest !== null };
  },
};
