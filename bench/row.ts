/** Questions of the benchmark and their results. */

/** One table row as text: our value and the rival's, from the same run. */
export interface BenchRow {
  readonly what: string;
  readonly ours: string;
  readonly rival: string;
  /** Ours divided by the rival's. */
  readonly ratio: string;
  readonly target: string;
  readonly verdict: string;
}

export interface BenchOptions {
  /** Alternating runs of each contender; the median counts. */
  readonly runs: number;
  /** Smaller files and fewer peers: a quick check, not for the table. */
  readonly isQuick: boolean;
  /** The largest sizes; a run of all questions uses smaller ones to save time. */
  readonly isFull: boolean;
  /** Called for every measurement. */
  readonly note: (text: string) => void;
}

export interface Question {
  /** As on the command line. */
  readonly name: string;
  readonly about: string;
  /** Default number of runs; `usualRuns` for most questions. */
  readonly runs?: number;
  /** Rejects if it cannot be measured at all; a missing rival becomes a note instead of a row. */
  measure(options: BenchOptions): Promise<readonly BenchRow[]>;
}

export const usualRuns = 3;

/**
 * One measurement shared by several questions, made when the first of them asks. All questions of a command have the same
 * options except the number of runs, where the first one's counts.
 */
export function sharedMeasurement<T>(
  measure: (options: BenchOptions) => Promise<T>,
): (options: BenchOptions) => Promise<T> {
  let made: Promise<T> | null = null;
  return (options) => {
    made ??= measure(options);
    return made;
  };
}

/** A row without a rival or a target leaves those cells empty. */
export function row(what: string, ours: string, rest: Partial<Omit<BenchRow, 'what' | 'ours'>> = {}): BenchRow {
  return { what, ours, rival: '', ratio: '', target: '', verdict: '', ...rest };
}

export function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'short';
}

export type Part = (options: BenchOptions) => Promise<readonly BenchRow[]>;

/** Runs the parts in sequence; a failure becomes a row with its reason, and the rest continue. Rejects if all fail. */
export async function rowsOfParts(parts: readonly Part[], options: BenchOptions): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  const failures: string[] = [];
  for (const part of parts) {
    try {
      rows.push(...(await part(options)));
    } catch (error) {
      const { message } = error as Error;
      options.note(`left out: ${message}`);
      failures.push(message);
    }
  }
  if (failures.length === parts.length) throw new Error(failures.join('; '));
  return [...rows, ...failures.map((why) => row(`not measured: ${why}`, '', { verdict: verdict(false) }))];
}
