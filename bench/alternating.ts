/**
 * Measures contenders in turn, round after round, so that other load affects all of them equally; the median of each counts.
 */
import type { BenchOptions } from './row.ts';

export interface Contender {
  readonly name: string;
  /** One measurement; the question defines its unit. */
  measure(run: number): Promise<number>;
}

export interface Samples {
  readonly name: string;
  readonly values: readonly number[];
  readonly median: number;
}

/** Drops a contender after its first failure, with a note; the first contender is ours, and its failure fails the question. */
export async function alternate(
  contenders: readonly Contender[],
  { runs, note }: BenchOptions,
): Promise<readonly Samples[]> {
  const values = contenders.map((): number[] => []);
  const failed = new Set<Contender>();
  for (let run = 1; run <= runs; run++) {
    const shown: string[] = [];
    for (const [index, contender] of contenders.entries()) {
      if (failed.has(contender)) continue;
      try {
        const value = await contender.measure(run);
        values[index]?.push(value);
        shown.push(`${contender.name} ${threeDigits(value)}`);
      } catch (error) {
        if (index === 0) throw error;
        failed.add(contender);
        note(`${contender.name} left out: ${(error as Error).message}`);
      }
    }
    note(`run ${run} of ${runs}: ${shown.join(', ')}`);
  }
  return contenders.flatMap(({ name }, index) => {
    const own = values[index] ?? [];
    return own.length === 0 ? [] : [{ name, values: own, median: median(own) }];
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function threeDigits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
