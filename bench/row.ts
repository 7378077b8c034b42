/** What a question of the bench answers with, and how it is asked. */

/** One line of the table, as text: ours beside the rival's in the same run. */
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
  /** Smaller files and fewer peers: for a look, not for the table. */
  readonly isQuick: boolean;
  /** The largest sizes, where a run of all questions takes smaller ones for the sake of its length. */
  readonly isFull: boolean;
  /** Told of every measurement as it is made. */
  readonly note: (text: string) => void;
}

export interface Question {
  /** As on the command line. */
  readonly name: string;
  readonly about: string;
  /** Unless the command says otherwise; most questions are asked `usualRuns` times. */
  readonly runs?: number;
  /** Rejects when it cannot be measured at all; a rival that cannot be had is a note and no row. */
  measure(options: BenchOptions): Promise<readonly BenchRow[]>;
}

export const usualRuns = 3;

/**
 * One measurement behind the tables of several questions: made when the first of them asks. All are asked with the same
 * options in one run of the command, but for the runs, of which those of the first count.
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

/** One part after the other; of one that fails the row says why, and the rest go on. Rejects when all fail. */
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
