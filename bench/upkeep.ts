/** Cost of an idle peer in rings of 7 to 64 real peers, and of 64 peers at work. */
import { threeDigits } from './alternating.ts';
import { type BenchOptions, type BenchRow, type Part, row, rowsOfParts, verdict } from './row.ts';
import { type RingFigures, ringOf, ringOfMany, transferBytes } from './settled-rings.ts';

/** Per cent of a core and megabytes, by ring size. */
interface Most {
  readonly cpu?: number;
  readonly memory?: number;
}

export function upkeep(options: BenchOptions): Promise<readonly BenchRow[]> {
  const parts: readonly Part[] = [
    async () => idleRows(await ringOf('small', options), { cpu: 0.7, memory: 96 }),
    async () => idleRows(await ringOf('middle', options), {}),
    async () => idleRows(await ringOf('large', options), { cpu: 1 }),
    async () => idleRows(await ringOfMany(options), { cpu: 1, memory: 115 }),
  ];
  return rowsOfParts(parts, options);
}

/** `join` reports the time to form the ring. */
export async function manyPeers(options: BenchOptions): Promise<readonly BenchRow[]> {
  const { hosts, put, get, putCost, getCost } = await ringOfMany(options);
  const rate = (seconds: number): string => `${threeDigits(transferBytes / 1e6 / seconds)} MB/s`;
  const what = `${hosts} peers on one machine`;
  return [
    row(`${what}: put of 64 MiB, 3 copies`, `${rate(put)} (${putCost}, the putter first)`),
    row(`${what}: get of 64 MiB`, `${rate(get)} (${getCost}, the getter first)`),
  ];
}

function idleRows({ hosts, idle, memory }: RingFigures, { cpu, memory: megabytes }: Most): readonly BenchRow[] {
  const ring = `ring of ${hosts}`;
  return [
    row(`CPU of an idle peer, ${ring}`, `${idle.cpu.toFixed(2)} % of a core`, {
      ...(cpu === undefined ? {} : { target: `≤ ${cpu} %`, verdict: verdict(idle.cpu <= cpu) }),
    }),
    row(
      `pings and questions of an idle peer, ${ring}`,
      `${idle.pings.toFixed(1)} and ${idle.questions.toFixed(1)} a second`,
    ),
    row(
      `memory of an idle peer, the largest and the median, ${ring}`,
      `${memory.highest.toFixed(0)} and ${memory.median.toFixed(0)} MB resident`,
      megabytes === undefined ? {} : { target: `≤ ${megabytes} MB`, verdict: verdict(memory.highest <= megabytes) },
    ),
  ];
}
