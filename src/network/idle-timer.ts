/**
 * Detects when a frequently starting and stopping activity has once lasted too long. A timer for each would cost more
 * than the activity; here one timer checks again while something is in progress.
 */
export class IdleTimer {
  readonly #milliseconds: number;
  readonly #over: () => void;
  /** Of performance.now(); null while nothing is in progress. */
  #since: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(milliseconds: number, over: () => void) {
    this.#milliseconds = milliseconds;
    this.#over = over;
  }

  /** Also when the next activity has started immediately. */
  begin(): void {
    this.#since = performance.now();
    this.#timer ??= this.#look(this.#milliseconds);
  }

  end(): void {
    this.#since = null;
  }

  close(): void {
    this.#since = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(delay: number): NodeJS.Timeout {
    // What arrived while this process was blocked is read before anything counts as late.
    return setTimeout(() => setImmediate(() => this.#judge()), delay).unref();
  }

  #judge(): void {
    this.#timer = null;
    if (this.#since === null) return;
    const left = this.#since + this.#milliseconds - performance.now();
    if (left > 0) this.#timer = this.#look(left);
    else this.#over();
  }
}
