/** Waiting on a condition, never on time. */
import { setTimeout as wait } from 'node:timers/promises';

const pollMilliseconds = 25;
const defaultDeadlineMilliseconds = 10_000;

type Falsy = false | null | undefined;

/**
 * Asks until the condition gives something, and returns it. A condition that throws counts as not yet; what it threw
 * last is told when the deadline passes.
 */
export async function until<T>(
  what: string,
  condition: () => T | Falsy | Promise<T | Falsy>,
  deadlineMilliseconds = defaultDeadlineMilliseconds,
): Promise<T> {
  const deadline = performance.now() + deadlineMilliseconds;
  let last: unknown = null;
  do {
    try {
      const result = await condition();
      if (result !== false && result !== null && result !== undefined) return result;
      last = null;
    } catch (error) {
      last = error;
    }
    await wait(pollMilliseconds);
  } while (performance.now() < deadline);
  const reason = last instanceof Error ? `: ${last.message}` : '';
  throw new Error(`not within ${deadlineMilliseconds} ms: ${what}${reason}`, { cause: last });
}

/** Rejects when the promise takes longer; the promise itself goes on. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMilliseconds: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`not within ${deadlineMilliseconds} ms: ${what}`)),
    deadlineMilliseconds,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
