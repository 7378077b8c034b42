/** How long an answer is awaited: until its deadline, the caller's signal, or the end of the transport. */
import { type RequestOptions, TransportError } from './transport.ts';

/** A timer that fires later than this shows that this process had no time to read either. */
const noticeableMilliseconds = 20;

/** The end of a transport, reported to all waiters. An AbortSignal costs ten times as much. */
export class TransportClosing {
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

/** Whether the result is still awaited. */
export interface Wait {
  readonly isOver: boolean;
  /** Called once it no longer is; setting it replaces the previous callback. */
  ended: (() => void) | null;
}

/**
 * Waits for `run` until the deadline, the signal or the end of the transport; `run` learns of these through its Wait.
 * The deadline is for the other side: time during which this process itself was blocked is granted again, at most as
 * long as the deadline, and what has already arrived is read first. Otherwise an overloaded machine would take all
 * others for dead.
 */
export function within<Result>(
  { deadline, signal }: RequestOptions,
  closing: TransportClosing,
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
