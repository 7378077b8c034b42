/** Detects when the other side was silent too long while awaited; time of our own does not count. */
export class SilenceTimer {
  readonly #most: number;
  readonly #silent: () => void;
  #waiting = 0;
  #lastProgress = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;

  /** @param most milliseconds. */
  constructor(most: number, silent: () => void) {
    this.#most = most;
    this.#silent = silent;
  }

  begin(): void {
    if (this.#waiting === 0) this.progress();
    this.#waiting += 1;
    if (this.#timer === null && !this.#isOver) this.#arm(this.#most);
  }

  end(): void {
    this.#waiting -= 1;
  }

  progress(): void {
    this.#lastProgress = performance.now();
  }

  close(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #arm(delay: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#waiting === 0) return;
      const left = this.#most - (performance.now() - this.#lastProgress);
      if (left <= 1) this.#silent();
      else this.#arm(left);
    }, delay);
  }
}
