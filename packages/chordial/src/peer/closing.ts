/** What a peer has opened: closed in reverse order, and able to say what a close waits for. */
export class Closing implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #progress: { current: string | null };

  constructor(stack = new AsyncDisposableStack(), progress: { current: string | null } = { current: null }) {
    this.#stack = stack;
    this.#progress = progress;
  }

  /** What is being closed; null before, after, and for what closes at once. */
  get current(): string | null {
    return this.#progress.current;
  }

  defer(close: () => unknown, what: string | null = null): void {
    this.#stack.defer(async () => {
      this.#progress.current = what;
      await close();
      this.#progress.current = null;
    });
  }

  use<Resource extends AsyncDisposable>(resource: Resource): Resource {
    return this.#stack.use(resource);
  }

  /** Everything opened so far, to be closed by the caller. */
  move(): Closing {
    return new Closing(this.#stack.move(), this.#progress);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
