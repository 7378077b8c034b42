/**
 * Detects when what is in progress has stood still for too long. A timer for each activity that starts and stops
 * frequently would cost more than the activity; here one timer checks again while something is in progress. Time in
 * which nothing is does not count.
 */
export class IdleTimer {
  readonly #milliseconds: number;
  readonly #over: () => void;
  #inProgress = 0;
  /** Of performance.now(). */
  #since = 0;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(milliseconds: number, over: () => void) {
    this.#milliseconds = milliseconds;
    this.#over = over;
  }

  /** Followed by one `end`. */
  begin(): void {
    if (this.#inProgress === 0) this.progress();
    this.#inProgress += 1;
    if (this.#timer === null && !this.#isClosed) this.#timer = this.#look(this.#milliseconds);
  }

  end(): void {
    this.#inProgress -= 1;
  }

  progress(): void {
    this.#since = performance.now();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(delay: number): NodeJS.Timeout {
    // What arrived while this process was blocked is read before anything counts as late.
    return setTimeout(() => setImmediate(() => this.#judge()), delay).unref();
  }

  #judge(): void {
    this.#timer = null;
    if (this.#inProgress === 0 || this.#isClosed) return;
    const left = this.#since + this.#milliseconds - performance.now();
    if (left > 0) this.#timer = this.#look(left);
    else this.#over();
  }
}
