/** One process in virtual time: it runs, is frozen (SIGSTOP), or has ended. A new life is a new process. */
export class Process {
  #running = true;
  #held: (() => void)[] | null = null;

  get isRunning(): boolean {
    return this.#running;
  }

  get isFrozen(): boolean {
    return this.#held !== null;
  }

  /** Runs what a timer or a packet brings: now, after thawing when frozen, never when the process has ended. */
  run(action: () => void): void {
    if (!this.#running) return;
    if (this.#held !== null) this.#held.push(action);
    else action();
  }

  freeze(): void {
    this.#held ??= [];
  }

  /** All that became due meanwhile happens at once, in its order, as after SIGCONT. */
  thaw(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const action of held) this.run(action);
  }

  end(): void {
    this.#running = false;
    this.#held = null;
  }
}
