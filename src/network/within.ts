import { type RequestOptions, TransportError } from './transport.ts';

/** Waits for `run` no longer than the deadline and the signals allow. What it started hears so by the signal it got. */
export async function within<Result>(
  { deadline, signal }: RequestOptions,
  closing: AbortSignal,
  run: (over: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (closing.aborted) throw new TransportError('unreachable', 'This peer is shutting down.');
  if (signal?.aborted) throw new TransportError('aborted', 'The caller gave up.');
  const over = new AbortController();
  return new Promise((resolve, reject) => {
    const settle = (error: TransportError | null) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      closing.removeEventListener('abort', closed);
      if (error === null) return;
      over.abort();
      reject(error);
    };
    const aborted = () => settle(new TransportError('aborted', 'The caller gave up.'));
    const closed = () => settle(new TransportError('unreachable', 'This peer is shutting down.'));
    const timer = setTimeout(() => settle(new TransportError('timeout', `No answer within ${deadline} ms.`)), deadline);
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
