/**
 * Ctrl-C and SIGTERM: the first asks to stop in good order, the second ends the process at once. What has not ended 10 s after the
 * first is given up: a disk or a pipe that does not answer would keep the process for ever.
 */
import { writeSync } from 'node:fs';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type EndSignal = keyof typeof exitCodes;

/** From being told to the end of the process. */
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

  /** `givingUp` is told, once, when the time is over; the process ends when it returns. */
  constructor(givingUp: () => void, environment: NodeJS.ProcessEnv = process.env) {
    this.#givingUp = givingUp;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
    // A parent that dies, however, closes this pipe: no peer of a demonstration outlives it.
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
    // While it is read, a parent that lives on would keep this process alive.
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
 * `process.exit` waits for the threads that read and write files, of which one may hang in a pipe; another program in place of this
 * one, which ends at once with that code, does not.
 */
function endNow(code: number): never {
  try {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  } catch (error) {
    writeSync(process.stderr.fd, `chordial: ${(error as Error).message}\n`);
  }
  process.exit(code);
}
