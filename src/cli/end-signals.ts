/** Ctrl-C and SIGTERM: the first asks to stop in good order, the second ends the process at once. */

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type EndSignal = keyof typeof exitCodes;

export class EndSignals implements Disposable {
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();
  readonly #end: () => void;
  readonly #onSignal = (signal: EndSignal) => this.#met(signal);
  readonly #onInputEnd = () => this.end();
  #wasAsked = false;

  constructor(environment: NodeJS.ProcessEnv = process.env) {
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
    if (this.#wasAsked) process.exit(exitCodes[signal]);
    this.end();
  }
}
