import { type RequestOptions, TransportError } from './transport.ts';

/** A timer that comes later than this shows that this process had no time to read either. */
const noticeableMilliseconds = 20;

/**
 * Waits for `run` no longer than the deadline and the signals allow. What it started hears so by the signal it got.
 * The deadline is the other side's: the time in which this process itself was held up is granted once more, at most as
 * long as the deadline, and what has already arrived is always read first. Else a machine with too much to do takes
 * everybody for dead.
 */
export async function within<Result>(
  { deadline, signal }: RequestOptions,
  closing: AbortSignal,
  run: (over: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (closing.aborted) throw new TransportError('unreachable', 'This peer is shutting down.');
  if (signal?.aborted) throw new TransportError('aborted', 'The caller gave up.');
  const over = new AbortController();
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const settle = (error: TransportError | null) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      closing.removeEventListener('abort', closed);
      if (error === null) return;
      over.abort();
      reject(error);
    };
    const aborted = () => settle(new TransportError('aborted', 'The caller gave up.'));
    const closed = () => settle(new TransportError('unreachable', 'This peer is shutting down.'));
    const silent = () => settle(new TransportError('timeout', `No answer within ${deadline} ms.`));
    const due = performance.now() + deadline;
    let timer = setTimeout(() => {
      const heldUp = performance.now() - due;
      if (heldUp < noticeableMilliseconds) setImmediate(silent);
      else timer = setTimeout(silent, Math.min(heldUp, deadline));
    }, deadline);
    signal?.addEventListener('abort', aborted);
    closing.addEventListener('abort', closed);
    run(over.signal).then(
      (result) => {
        settle(null);
        resolve(result);
      },
      (error) => {
        settle(null);
        reject(error);
      },
    );
  });
}
