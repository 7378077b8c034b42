/**
 * Asks several hosts about one thing, in order of preference: some at once, the next one in place of one that fails,
 * and besides one that is silent. When it is enough, and which host is silent, is said by the one who asks.
 */

export interface AskPolicy<Host, Answer> {
  /** Hosts asked at once in the beginning. */
  readonly need: number;
  ask(host: Host): Promise<Answer>;
  /** Before a host is asked. To hedge it, watch it from here, and call `hedge` when it is silent. */
  asked?(host: Host): void;
  /** Whether the next host is asked too. Not called for what comes when it is over. */
  answered(host: Host, answer: Answer): boolean;
  /** Whether the next host is asked in its place; an error that it throws ends the whole. Also called when it is over. */
  failed(host: Host, error: Error): boolean;
  isEnough(): boolean;
  /** After each change while it is not enough: more hosts may be asked, or it is ended nevertheless. */
  goOn?(): void;
}

export class AskReplicas<Host, Answer> {
  readonly #hosts: readonly Host[];
  readonly #policy: AskPolicy<Host, Answer>;
  readonly #done = Promise.withResolvers<void>();
  readonly #pending = new Set<Host>();
  #next = 0;
  #isOver = false;

  constructor(hosts: readonly Host[], policy: AskPolicy<Host, Answer>) {
    this.#hosts = hosts;
    this.#policy = policy;
  }

  /** Asked and unanswered. */
  get pending(): ReadonlySet<Host> {
    return this.#pending;
  }

  /** Number of hosts asked. */
  get askedCount(): number {
    return Math.min(this.#next, this.#hosts.length);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when it is enough, or was ended, or every host has answered or failed. */
  run(): Promise<void> {
    this.askNext(this.#policy.need);
    this.#look();
    return this.#done.promise;
  }

  askNext(count = 1): void {
    for (let asked = 0; asked < count && this.#next < this.#hosts.length && !this.#isOver; asked++)
      this.#ask(this.#hosts[this.#next++]!);
  }

  /** One more host is asked, since another is silent. */
  hedge(): void {
    this.askNext();
    this.#look();
  }

  /** With an error, `run` rejects. */
  end(error?: Error): void {
    this.#isOver = true;
    if (error === undefined) this.#done.resolve();
    else this.#done.reject(error);
  }

  #ask(host: Host): void {
    this.#pending.add(host);
    this.#policy.asked?.(host);
    this.#policy.ask(host).then(
      (answer) => this.#settled(host, () => !this.#isOver && this.#policy.answered(host, answer)),
      (error: Error) => this.#settled(host, () => this.#policy.failed(host, error)),
    );
  }

  #settled(host: Host, isAnotherAsked: () => boolean): void {
    this.#pending.delete(host);
    try {
      if (isAnotherAsked()) this.askNext();
      this.#look();
    } catch (error) {
      this.end(error as Error);
    }
  }

  #look(): void {
    if (this.#isOver) return;
    const isEnough = this.#policy.isEnough();
    if (!isEnough) this.#policy.goOn?.();
    if (isEnough || this.#pending.size === 0) this.end();
  }
}
