import { type RequestOptions, TransportError } from './transport.ts';

/** A timer that comes later than this shows that this process had no time to read either. */
const noticeableMilliseconds = 20;

/** The end of a transport, told to all who wait for something. An AbortSignal does the same for ten times the cost. */
export class Closing {
  readonly #waiting = new Set<() => void>();
  #isClosing = false;

  get isClosing(): boolean {
    return this.#isClosing;
  }

  add(closed: () => void): void {
    this.#waiting.add(closed);
  }

  delete(closed: () => void): void {
    this.#waiting.delete(closed);
  }

  close(): void {
    this.#isClosing = true;
    for (const closed of [...this.#waiting]) closed();
  }
}

/** Whether somebody still waits for what was begun. */
export interface Wait {
  readonly isOver: boolean;
  /** Called once no one does; the one that sets it again takes the place of the one before. */
  ended: (() => void) | null;
}

/**
 * Waits for `run` no longer than the deadline, the signal and the transport allow. What it started hears so by the Wait it
 * got. The deadline is the other side's: the time in which this process itself was held up is granted once more, at most
 * as long as the deadline, and what has already arrived is always read first. Else a machine with too much to do takes
 * everybody for dead.
 */
export function within<Result>(
  { deadline, signal }: RequestOptions,
  closing: Closing,
  run: (wait: Wait) => Promise<Result>,
  timedOut: () => void = () => {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (closing.isClosing) throw new TransportError('unreachable', 'This peer is shutting down.');
    if (signal?.aborted) throw new TransportError('aborted', 'The caller gave up.');
    const wait = { isOver: false, ended: null as (() => void) | null };
    const settle = (): void => {
      wait.isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      closing.delete(closed);
    };
    const giveUp = (error: TransportError): void => {
      if (wait.isOver) return;
      settle();
      wait.ended?.();
      reject(error);
    };
    const aborted = () => giveUp(new TransportError('aborted', 'The caller gave up.'));
    const closed = () => giveUp(new TransportError('unreachable', 'This peer is shutting down.'));
    const silent = () => {
      if (wait.isOver) return;
      giveUp(new TransportError('timeout', `No answer within ${deadline} ms.`));
      timedOut();
    };
    const due = performance.now() + deadline;
    let timer = setTimeout(() => {
      const heldUp = performance.now() - due;
      if (heldUp < noticeableMilliseconds) setImmediate(silent);
      else timer = setTimeout(silent, Math.min(heldUp, deadline));
    }, deadline);
    signal?.addEventListener('abort', aborted);
    closing.add(closed);
    run(wait).then(
      (result) => {
        if (wait.isOver) return;
        settle();
        resolve(result);
      },
      (error) => {
        if (wait.isOver) return;
        settle();
        reject(error);
      },
    );
  });
}
