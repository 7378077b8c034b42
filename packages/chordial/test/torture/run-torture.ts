/** A full run: a network, a load, steps chosen by a seed, and the final check. */
import { seededRandom } from '@chordial/ring/testing';
import { type FinalCheck, finalCheck } from './final-check.ts';
import { pick } from './oracle.ts';
import { untilConsistent, untilRecovered } from './recovery.ts';
import type { StepLog } from './step-log.ts';
import { addHosts, bringBack, steps } from './steps.ts';
import type { Tally } from './tally.ts';
import { Torture } from './torture.ts';
import { TortureNetwork } from './torture-network.ts';
import { type Load, Workload } from './workload.ts';

export interface TortureOptions {
  readonly minutes: number;
  readonly peers: number;
  /** Of these, that no other host can dial. */
  readonly hidden: number;
  readonly seed: number;
  /** Names of steps to choose from. */
  readonly steps: readonly string[];
  readonly load: Load;
}

export interface TortureOutcome {
  readonly seed: number;
  readonly seconds: number;
  readonly tally: Tally;
  readonly check: FinalCheck;
  readonly isWhole: boolean;
}

const calmMilliseconds = 1000;

export async function runTorture(options: TortureOptions, log: StepLog, signal: AbortSignal): Promise<TortureOutcome> {
  await using network = await TortureNetwork.open({ hidden: options.hidden });
  const torture = new Torture(network, seededRandom(options.seed), log, signal);
  const hidden = options.hidden === 0 ? '' : `, ${options.hidden} of them hidden,`;
  log.step(`seed ${options.seed}: ${options.peers} peers${hidden} for ${options.minutes} min`);
  await startPeers(torture, options.peers);
  const began = performance.now();
  const workload = new Workload(torture, options.load);
  try {
    while (performance.now() - began < options.minutes * 60_000 && !signal.aborted) {
      await oneStep(torture, workload, options.steps);
    }
    log.step('the faults are over');
    workload.allowWrites();
    await bringBack(torture, network.away);
  } finally {
    await workload.stop();
  }
  const isWhole = await untilRecovered(torture, 'end');
  const check = await finalCheck(torture);
  if (signal.aborted || check.lost.length + check.wrong.length > 0 || !isWhole) tellHosts(torture);
  return { seed: options.seed, seconds: (performance.now() - began) / 1000, tally: torture.tally, check, isWhole };
}

/** The founder, then the others at the same time, a few at once. */
export async function startPeers(torture: Torture, peers: number): Promise<void> {
  const since = performance.now();
  await torture.network.add();
  while (torture.network.hosts.length < peers && !torture.signal.aborted) {
    const number = Math.min(startConcurrency, peers - torture.network.hosts.length);
    await Promise.all(Array.from({ length: number }, () => torture.network.add()));
  }
  await untilConsistent(torture, since);
  torture.log.step(`${peers} peers in one ring after ${((performance.now() - since) / 1000).toFixed(1)} s`);
}
const startConcurrency = 3;

async function oneStep(torture: Torture, workload: Workload, names: readonly string[]): Promise<void> {
  const name = pick(names, torture.random) ?? 'kill';
  await new Promise((resolve) => setTimeout(resolve, calmMilliseconds));
  try {
    await steps[name]?.(torture, workload);
  } catch (error) {
    // A failed start or stop is recorded, and the run continues.
    torture.tally.recoveries.push({
      step: `${name}, interrupted`,
      consistentMilliseconds: null,
      fullMilliseconds: null,
    });
    torture.log.step(`step ${name} was interrupted: ${(error as Error).stack}`);
    await torture.network.heal();
    torture.apart = new Set();
    torture.oracle.cutIsOver();
    if (torture.network.up.length < 2) await addHosts(torture, 1);
  } finally {
    workload.allowWrites();
  }
}

/** The output of the peers, for debugging. */
function tellHosts({ network, log }: Torture): void {
  for (const host of network.hosts)
    log.detail(`${host.name} at ${host.dataFolder}, ${host.state}: ${host.process.describe()}`);
}
