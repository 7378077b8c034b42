/** What a peer costs that does nothing but keep its place in a ring of 7: CPU time and resident memory. */
import { setTimeout as wait } from 'node:timers/promises';
import { NetworkFixture } from '../test/end-to-end/network-fixture.ts';
import { until } from '../test/end-to-end/until.ts';
import { median } from './alternating.ts';
import { cpuSeconds, residentBytes } from './chordial-transfer.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const peerCount = 7;
const mostCpuPercent = 1;
const mostMegabytes = 100;
/**
 * Joining leaves work behind: copies are compared, and members ask their neighbours every second at first and every 20 s
 * when nothing has changed for two minutes.
 */
const settlingMilliseconds = 130_000;

export async function idleCost(options: BenchOptions): Promise<readonly BenchRow[]> {
  const windowMilliseconds = options.isQuick ? 5000 : 10_000;
  await using network = await NetworkFixture.open();
  // A package carries compiled sources. Here they are compiled at the first start, and kept for the others at its end.
  await (await network.start()).stop();
  const ring = await network.startRing(peerCount);
  await until('one ring', () => network.isIdeal(ring), 60_000);
  await wait(settlingMilliseconds);
  const percents: number[] = [];
  for (let run = 1; run <= options.runs; run++) {
    const before = await Promise.all(ring.map(({ pid }) => cpuSeconds(pid)));
    const start = performance.now();
    await wait(windowMilliseconds);
    const after = await Promise.all(ring.map(({ pid }) => cpuSeconds(pid)));
    const used = after.reduce((sum, one, index) => sum + one - (before[index] ?? 0), 0) / peerCount;
    percents.push((100_000 * used) / (performance.now() - start));
    options.note(`window ${run} of ${options.runs}: ${percents.at(-1)?.toFixed(2)} % of a core a peer`);
  }
  const memory = await Promise.all(ring.map(async ({ pid }) => (await residentBytes(pid)).now / 1e6));
  const [percent, megabytes] = [median(percents), Math.max(...memory)];
  return [
    row(`CPU of an idle peer, ring of ${peerCount}`, `${percent.toFixed(2)} % of a core`, {
      target: `≤ ${mostCpuPercent} %`,
      verdict: verdict(percent <= mostCpuPercent),
    }),
    row(`memory of an idle peer, the largest of ${peerCount}`, `${megabytes.toFixed(0)} MB resident`, {
      target: `≤ ${mostMegabytes} MB`,
      verdict: verdict(megabytes <= mostMegabytes),
    }),
  ];
}
