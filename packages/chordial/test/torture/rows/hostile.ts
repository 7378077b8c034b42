/** Hostile members and outside strangers attack honest peers, which keep putting, reading and searching. */
import os from 'node:os';
import type { Target } from '../../hostile/attack.ts';
import { attacks } from '../../hostile/attacks.ts';
import { HostileChild } from '../../hostile/hostile-child.ts';
import type { TortureHost } from '../host.ts';
import { untilConsistent, untilFull } from '../recovery.ts';
import { Workload } from '../workload.ts';
import type { FaultRow } from './fault-row.ts';
import { MemoryWatch, megabytes } from './memory-watch.ts';
import { reckon, seconds } from './reckoning.ts';
import { Searchers } from './searchers.ts';

/** One fewer than the replicas of a file: each has an honest place. */
const hostileHosts = 2;
const attackMilliseconds = 3000;
/** Retries included: with two of three places lying a reader may have to retry. */
const longestReadMilliseconds = 10_000;
const load = { readers: 3, writers: 1, paceMilliseconds: 30 };
/** A peer without attacks stays below 250 MB of resident memory; the limits of docs/limits.md add up to this much more. */
const maxResidentBytes = 450 * 1024 * 1024;

export const hostile: FaultRow = {
  name: 'hostile',
  what: `${hostileHosts} hostile members and strangers: ${attacks.length} attacks while honest peers put, read and search`,
  target: 'no crash, memory within its bounds, no wrong bytes, reads still succeed',
  peers: 5,
  files: 60,
  async measure({ torture }) {
    const { network, log, tally, signal } = torture;
    const [first] = network.up;
    if (first === undefined) return { figure: 'no host is up', passed: false };
    const honest = network.up;
    await using child = await HostileChild.start(
      { through: first.process.ready.listen, runtime: network.runtimeFolder, hosts: hostileHosts },
      (pid) => network.watch(pid),
    );
    const targets = await Promise.all(honest.map(targetOf));
    const memory = new MemoryWatch(honest.map(({ process }) => process.pid));
    const searchers = new Searchers(torture);
    const workload = new Workload(torture, load, 'amid');
    const lines: string[] = [];
    let slowest = 0;
    let late = 0;
    let failures = 0;
    try {
      for (const { name } of chosen()) {
        if (signal.aborted) break;
        const before = { reads: tally.reads, searches: searchers.succeeded, missed: searchers.failed };
        const refusedBefore = await refusals(honest);
        tally.slowestReadMilliseconds = 0;
        tally.failedReads = {};
        memory.begin();
        const done = await child.attack(name, attackMilliseconds, targets);
        const failed = Object.values(tally.failedReads).reduce((sum, one) => sum + one, 0);
        const refused = difference(await refusals(honest), refusedBefore);
        const alive = honest.filter(({ pid }) => pid !== null).length;
        slowest = Math.max(slowest, tally.slowestReadMilliseconds);
        failures += failed;
        lines.push(
          `${name}: ${shown(done)}; reads ${tally.reads - before.reads} ok, ${failed} failed, slowest ${seconds(tally.slowestReadMilliseconds)}; ` +
            `searches ${searchers.succeeded - before.searches} ok, ${searchers.failed - before.missed} failed; ` +
            `memory ${memory.shown()}; refused ${shown(refused)}; ${alive} of ${honest.length} alive; wrong bytes ${tally.wrongReads}`,
        );
        log.step(lines.at(-1) ?? '');
      }
    } finally {
      await Promise.all([workload.stop(), searchers.stop()]);
      memory.stop();
    }
    // Reads started during the last attack may end long after it.
    slowest = Math.max(slowest, tally.slowestReadMilliseconds);
    late = tally.lateReads;
    const survivors = honest.filter(({ pid }) => pid !== null).length;
    const bugs = (await refusals(honest))['handler-failed'] ?? 0;
    await child[Symbol.asyncDispose]();
    const since = performance.now();
    const healed = await untilConsistent(torture, since);
    const full = await untilFull(torture, torture.oracle.in('kept'), since);
    const { text, isSound } = await reckon(torture);
    const peak = memory.peakBytes;
    return {
      figure:
        `load ${os.loadavg()[0]?.toFixed(1)}, ${lines.length} attacks: ${survivors} of ${honest.length} alive, most memory ${megabytes(peak)}, ${failures} tries of reads failed, ` +
        `${late} reads later than 2 s, slowest ${seconds(slowest)}, ${tally.wrongReads} wrong, ${searchers.failed} of ${searchers.failed + searchers.succeeded} searches lacked a hit, ${bugs} handlers broke; ` +
        `afterwards one ring after ${seconds(healed)}, full replicas after ${seconds(full)}; ${text}`,
      passed:
        isSound &&
        survivors === honest.length &&
        peak <= maxResidentBytes &&
        tally.wrongReads === 0 &&
        slowest <= longestReadMilliseconds &&
        healed !== null &&
        full !== null &&
        bugs === 0,
    };
  },
};

/** CHORDIAL_TEST_ATTACKS selects some of them, for debugging. */
function chosen(): typeof attacks {
  const wanted = process.env['CHORDIAL_TEST_ATTACKS']?.split(',');
  return wanted === undefined ? attacks : attacks.filter(({ name }) => wanted.includes(name));
}

async function targetOf(host: TortureHost): Promise<Target> {
  const { id, listen } = host.process.ready;
  const contact = { host: id as Target['contact']['host'], addresses: [listen] };
  return { contact, port: Number(listen.slice(listen.lastIndexOf(':') + 1)) };
}

/** Total refusals of all responding peers by reason. */
async function refusals(hosts: readonly TortureHost[]): Promise<Readonly<Record<string, number>>> {
  const total: Record<string, number> = {};
  const texts = await Promise.all(hosts.map((host) => metricsOf(host)));
  for (const [, reason = '', value = '0'] of texts
    .join('\n')
    .matchAll(/^chordial_refused_total\{reason="([^"]+)"\} (\d+)$/gm)) {
    total[reason] = (total[reason] ?? 0) + Number(value);
  }
  return total;
}

async function metricsOf(host: TortureHost): Promise<string> {
  try {
    return await (await host.process.request('/metrics')).text();
  } catch {
    return '';
  }
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  const changed: Record<string, number> = {};
  for (const [reason, value] of Object.entries(after)) {
    const more = value - (before[reason] ?? 0);
    if (more > 0) changed[reason] = more;
  }
  return changed;
}

function shown(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([what, times]) => `${times} ${what}`)
      .join(', ') || 'nothing'
  );
}
