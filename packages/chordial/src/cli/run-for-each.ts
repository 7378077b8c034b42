/** Runs a command on several files concurrently and reports in the order given. */
import { ChordialError } from '../errors.ts';
import { report } from './failure.ts';

/** Requests in flight are held in memory here and at the peer. */
const maxBytesAtOnce = 16 * 1024 * 1024;
/**
 * Minimum accounted per file, so at most 256 small files are in flight: waiting ones are signed, sent and made durable
 * together (measured: a name costs 3.8 ms of CPU at four peers with 256 in flight, 6.3 with 64).
 */
const minBytesOfOne = 64 * 1024;

export interface RunForEachOptions<Item, Result> {
  readonly json?: boolean;
  /** Maximum memory while in flight. */
  readonly heldBytes: (item: Item) => number;
  /** Once it fires nothing more is started. */
  readonly signal: AbortSignal;
  /** Receives each result, in the order of the items. */
  readonly tell: (result: Result) => void;
}

/**
 * The failure of a single item is that of the command. Of several, each failure is reported on standard error as
 * `nameOf(item): …`, the others continue, and the command ends with exit code 1.
 */
export async function runForEach<Item, Result>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  work: (item: Item) => Promise<Result>,
  { json = false, heldBytes, signal, tell }: RunForEachOptions<Item, Result>,
): Promise<void> {
  const ends = items.map(() => Promise.withResolvers<Result>());
  // Awaited in turn below; until then a rejection must not be unhandled.
  for (const { promise } of ends) promise.catch(() => undefined);
  let next = 0;
  let held = 0;
  const working: Promise<void>[] = [];
  const begin = (): void => {
    while (next < items.length && !signal.aborted) {
      const item = items[next]!;
      const bytes = Math.max(minBytesOfOne, heldBytes(item));
      if (held > 0 && held + bytes > maxBytesAtOnce) return;
      const end = ends[next++]!;
      held += bytes;
      const ended = (): void => {
        held -= bytes;
        begin();
      };
      working.push(work(item).then(end.resolve, end.reject).then(ended));
    }
  };
  begin();
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
  // What the last one starts has been started when it ends.
  for (const one of working) await one;
  const left = items.length - next;
  if (left > 0) throw new ChordialError('interrupted', `Interrupted; ${left} of ${items.length} were not begun.`);
  if (failed > 0) process.exitCode = 1;
}

function named(name: string, error: unknown): unknown {
  return error instanceof ChordialError
    ? new ChordialError(error.code, `${name}: ${error.message}`, { cause: error })
    : error;
}
