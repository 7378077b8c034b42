/** A command on several files: some of them at a time, told in the order in which they were named. */
import { ChordialError } from '../errors.ts';
import { report } from './failure.ts';

/** Enough that a peer is never without work, few enough that it is not asked for more than it can begin. */
const maximumAtOnce = 64;

export interface SeveralOptions<Result> {
  readonly json?: boolean;
  /** Once it fires nothing more is begun. */
  readonly signal: AbortSignal;
  /** Told of each result, in the order of the items. */
  readonly tell: (result: Result) => void;
}

/**
 * A single item that fails is the failure of the command. Of several each failure is told on standard error as
 * `nameOf(item): …`, the others go on, and the command ends with exit code 1.
 */
export async function forSeveral<Item, Result>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  work: (item: Item) => Promise<Result>,
  { json = false, signal, tell }: SeveralOptions<Result>,
): Promise<void> {
  const ends = items.map(() => Promise.withResolvers<Result>());
  // Looked at in turn below; until then a failure is nobody's unhandled rejection.
  for (const { promise } of ends) promise.catch(() => undefined);
  let next = 0;
  const begin = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const index = next++;
      await work(items[index]!).then(ends[index]!.resolve, ends[index]!.reject);
    }
  };
  const working = Promise.all(Array.from({ length: Math.min(maximumAtOnce, items.length) }, begin));
  let failed = 0;
  for (const [index, { promise }] of ends.entries()) {
    if (signal.aborted && index >= next) break;
    try {
      tell(await promise);
    } catch (error) {
      if (items.length === 1) throw error;
      failed += 1;
      report(named(nameOf(items[index]!), error), json, (text) => process.stderr.write(text));
    }
  }
  await working;
  const left = items.length - next;
  if (left > 0) throw new ChordialError('interrupted', `Interrupted; ${left} of ${items.length} were not begun.`);
  if (failed > 0) process.exitCode = 1;
}

function named(name: string, error: unknown): unknown {
  return error instanceof ChordialError
    ? new ChordialError(error.code, `${name}: ${error.message}`, { cause: error })
    : error;
}
