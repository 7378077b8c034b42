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
