/**
 * Several ways to the same end, best first: the next begins when the one before it has failed or takes long (RFC 8305).
 * The first result counts. The signal tells the others to end; a result that still comes is discarded.
 */
import type { Clock, Milliseconds, Timer } from '@chordial/ring';

export type Attempt<Result> = (signal: AbortSignal) => Promise<Result>;

export interface StaggeredOptions<Result> {
  readonly clock: Pick<Clock, 'after'>;
  /** One after the other when null. */
  readonly delay: Milliseconds | null;
  discard(result: Result): void;
  readonly signal?: AbortSignal;
}

/** `next` gives the ways one by one. Rejects when all have failed, with the error of the last one. */
export function staggered<Result>(
  next: () => Attempt<Result> | undefined,
  { clock, delay, discard, signal }: StaggeredOptions<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const ending = new AbortController();
    let [running, isOver] = [0, false];
    let timer: Timer | null = null;
    const finish = (settle: () => void): void => {
      isOver = true;
      timer?.cancel();
      signal?.removeEventListener('abort', giveUp);
      ending.abort();
      settle();
    };
    const giveUp = (): void => finish(() => reject(signal?.reason));
    const failed = (error: unknown): void => {
      running -= 1;
      if (isOver) return;
      begin();
      if (running === 0) finish(() => reject(error));
    };
    const begin = (): void => {
      timer?.cancel();
      const attempt = isOver ? undefined : next();
      if (attempt === undefined) return;
      running += 1;
      if (delay !== null) timer = clock.after(delay, begin);
      attempt(ending.signal).then((result) => {
        if (isOver) discard(result);
        else finish(() => resolve(result));
      }, failed);
    };
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener('abort', giveUp);
    begin();
    if (running === 0) finish(() => reject(new Error('There is no way to try.')));
  });
}

export function inTurn<Item>(items: readonly Item[]): () => Item | undefined {
  const left = items.values();
  return () => left.next().value;
}
