/**
 * Ctrl-C and SIGTERM: the first requests a clean stop, the second ends the process at once. What has not ended 10 s
 * after the first is abandoned: an unresponsive disk or pipe would keep the process alive without end.
 */

import { writeSync } from 'node:fs';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type EndSignal = keyof typeof exitCodes;

/** From the signal to the end of the process. */
export const maxStopMilliseconds = 10_000;
const exitCodeOfGivingUp = 1;

export class EndSignals implements Disposable {
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();
  readonly #end: () => void;
  readonly #givingUp: () => void;
  readonly #onSignal = (signal: EndSignal) => this.#met(signal);
  readonly #onInputEnd = () => this.end();
  #wasAsked = false;

  /** `givingUp` is called once when the time is over; the process ends when it returns. */
  constructor(givingUp: () => void, environment: NodeJS.ProcessEnv = process.env) {
    this.#givingUp = givingUp;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
    // The end of its parent closes this pipe: no peer of a demonstration outlives it.
    if (environment['CHORDIAL_STOP_WITH_INPUT'] === '1') {
      process.stdin.on('end', this.#onInputEnd).on('error', this.#onInputEnd).resume();
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  end(): void {
    if (!this.#wasAsked) setTimeout(() => this.#giveUp(), maxStopMilliseconds).unref();
    this.#wasAsked = true;
    this.#abort.abort();
    this.#end();
  }

  [Symbol.dispose](): void {
    process.removeListener('SIGINT', this.#onSignal);
    process.removeListener('SIGTERM', this.#onSignal);
    process.stdin.removeListener('end', this.#onInputEnd);
    // While it is read, a living parent would keep this process alive.
    process.stdin.pause();
  }

  #met(signal: EndSignal): void {
    if (this.#wasAsked) endNow(exitCodes[signal]);
    this.end();
  }

  #giveUp(): void {
    this.#givingUp();
    endNow(exitCodeOfGivingUp);
  }
}

/**
 * `process.exit` waits for threads that read and write files, one of which may be blocked on a pipe; replacing this
 * process with another program that exits at once does not.
 */
function endNow(code: number): never {
  try {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  } catch (error) {
    writeSync(process.stderr.fd, `chordial: ${(error as Error).message}\n`);
  }
  process.exit(code);
}

/** Ctrl-C during transfers: the first cancels them, so that nothing incomplete remains; the second ends the command. */
export class Interruption implements Disposable {
  readonly #aborting = new AbortController();
  readonly #interrupt = (): void => this.#aborting.abort();

  constructor() {
    process.once('SIGINT', this.#interrupt);
  }

  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  [Symbol.dispose](): void {
    process.removeListener('SIGINT', this.#interrupt);
  }
}
