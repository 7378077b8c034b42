import type { Clock, Milliseconds } from '@chordial/ring';
import { TransportError } from './transport.ts';

export interface MemoryLink {
  readonly clock: Clock;
  /** Ends the stream at once: a transport closed, or the caller gave up. */
  readonly signal: AbortSignal;
  /** Aborts the exchange for both ends. */
  readonly broken: AbortController;
  /** How long the reader waits for the next chunk. */
  readonly silence: Milliseconds;
  readonly arrives: () => boolean;
}

/** The receiver's view of the payload: one chunk at a time, copied, without read-ahead. */
export async function* memoryPayload(
  payload: AsyncIterable<Uint8Array> | undefined,
  link: MemoryLink,
): AsyncGenerator<Uint8Array> {
  if (payload === undefined) return;
  const chunks = payload[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await nextWithin(chunks, link);
      if (step.done) return;
      yield Uint8Array.from(step.value);
    }
  } finally {
    // Not awaited: a waiting generator responds only when it resumes.
    void chunks.return?.()?.catch(() => undefined);
  }
}

function nextWithin(chunks: AsyncIterator<Uint8Array>, link: MemoryLink): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const broken = () => finish(() => reject(new TransportError('aborted', 'The stream was interrupted.')));
    const silent = () => finish(() => reject(new TransportError('timeout', `No byte within ${link.silence} ms.`)));
    const timer = link.clock.after(link.silence, silent);
    const finish = (settle: () => void) => {
      timer.cancel();
      link.signal.removeEventListener('abort', broken);
      settle();
    };
    if (link.signal.aborted) return broken();
    link.signal.addEventListener('abort', broken);
    chunks.next().then(
      (step) => {
        if (link.arrives()) finish(() => resolve(step));
      },
      (error) => {
        finish(() => reject(new TransportError('aborted', `The sender failed: ${(error as Error).message}`)));
        link.broken.abort();
      },
    );
  });
}
