/** Sets up a row: a ring of peers with fully replicated files; always tears it down. */
import { seededRandom } from '@chordial/ring/testing';
import { untilConsistent, untilFull } from '../recovery.ts';
import { startPeers } from '../run-torture.ts';
import type { StepLog } from '../step-log.ts';
import { Torture } from '../torture.ts';
import { TortureNetwork } from '../torture-network.ts';
import { Workload } from '../workload.ts';
import type { FaultRow, Measured } from './fault-row.ts';

export interface StageOptions {
  readonly peers: number;
  readonly files: number;
  readonly minutes: number;
  readonly seed: number;
}

const putConcurrency = 8;
const largestFileBytes = 60_000;
/** One file in this many has several blocks. */
const largeEvery = 50;
const largeBytes = 2_500_000;

export async function stageRow(
  row: FaultRow,
  options: StageOptions,
  log: StepLog,
  signal: AbortSignal,
): Promise<Measured> {
  await using network = await TortureNetwork.open({ isDirect: row.cuts !== true });
  const torture = new Torture(network, seededRandom(options.seed), log, signal);
  log.step(`${row.name}: ${options.peers} peers, ${options.files} files`);
  await startPeers(torture, options.peers);
  const workload = new Workload(torture, { writers: 0, readers: 0, paceMilliseconds: 0 });
  if (row.isBare !== true) await putFiles(torture, workload, options.files);
  await untilConsistent(torture);
  if ((await untilFull(torture, [...torture.oracle.files.values()])) === null) {
    return { figure: 'full replicas were not reached before the fault', passed: false };
  }
  log.step(row.isBare === true ? 'one ring' : 'full replicas; now the fault');
  const measured = await row.measure({ torture, workload, minutes: options.minutes, files: options.files });
  if (!measured.passed)
    for (const host of network.hosts) log.detail(`${host.name} (${host.state}): ${host.process.describe()}`);
  return signal.aborted ? { figure: 'interrupted', passed: false } : measured;
}

async function putFiles(torture: Torture, workload: Workload, files: number): Promise<void> {
  const since = performance.now();
  let begun = 0;
  let failed = 0;
  const work = async (): Promise<void> => {
    while (begun < files && !torture.signal.aborted) {
      const index = begun++;
      const host = torture.readers[index % torture.readers.length];
      if (host === undefined) return;
      const size = index % largeEvery === 0 ? largeBytes : Math.floor(torture.between(0, largestFileBytes));
      if (!(await workload.putNew(host, size))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: putConcurrency }, work));
  const seconds = (performance.now() - since) / 1000;
  torture.log.step(`${files} files put in ${seconds.toFixed(1)} s, ${failed} failed`);
}
