/**
 * A rate that several classes share: while more wants to pass than may, each class gets its part by weight, and what one
 * does not use the others do. In a class it is first come, first served.
 */
import type { Clock, Timer } from '@chordial/ring';
import { TokenBucket } from './token-bucket.ts';

/** Time in which nothing wants to pass is saved up to this much. */
const savedSeconds = 0.25;
/** Time in which something waits is made up for after a turn that comes late, as on a busy machine: the average stays. */
const lateSeconds = 1;
/** Passing takes turns so often. */
const turnSeconds = 0.05;
const minPieceBytes = 4 * 1024;

interface Waiter {
  readonly bytes: number;
  readonly isWanted: () => boolean;
  readonly pass: () => void;
}

/** Callers wait, so that what is here is bounded by them. */
interface Queue {
  readonly weight: number;
  readonly waiting: Waiter[];
  /** Bytes that passed, by weight: the class with the least is next. */
  passed: number;
}

export class SharedRate<Class extends string> {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #queues: ReadonlyMap<Class, Queue>;
  #perSecond: number | null;
  #bucket: TokenBucket | null;
  #timer: Timer | null = null;
  /** `passed` of the class that was last in turn: one that used nothing meanwhile has no claim to what others got. */
  #turn = 0;

  /** @param perSecond bytes; null: no limit */
  constructor(
    clock: Pick<Clock, 'now' | 'after'>,
    weights: Readonly<Record<Class, number>>,
    perSecond: number | null = null,
  ) {
    this.#clock = clock;
    const entries = Object.entries<number>(weights) as [Class, number][];
    this.#queues = new Map(entries.map(([name, weight]) => [name, { weight, waiting: [], passed: 0 }]));
    this.#perSecond = perSecond;
    this.#bucket = this.#newBucket();
  }

  get perSecond(): number | null {
    return this.#perSecond;
  }

  set perSecond(perSecond: number | null) {
    if (perSecond === this.#perSecond) return;
    this.#perSecond = perSecond;
    this.#bucket = this.#newBucket();
    this.#timer?.cancel();
    this.#timer = null;
    this.#admit();
  }

  /** As much as passes in one turn, at most `most`. */
  piece(most: number): number {
    if (this.#perSecond === null) return most;
    return Math.min(most, Math.max(minPieceBytes, Math.floor(this.#perSecond * turnSeconds)));
  }

  /** What comes without asking: others wait until it is paid. */
  take(name: Class, bytes: number): void {
    if (this.#timer === null) this.#forgetIdleTime();
    this.#pay(name, bytes);
  }

  /** Of what passed and did not move. */
  giveBack(bytes: number): void {
    this.#bucket?.giveBack(bytes);
  }

  /**
   * Null when the bytes may move now; else resolves when they may. One that is no longer wanted in its turn takes
   * nothing.
   */
  pass(name: Class, bytes: number, isWanted: () => boolean): Promise<void> | null {
    const bucket = this.#bucket;
    if (bucket === null) return null;
    if (this.#timer === null) {
      this.#forgetIdleTime();
      if (bucket.left > 0) {
        this.#pay(name, bytes);
        return null;
      }
    }
    const queue = this.#queues.get(name)!;
    queue.passed = Math.max(queue.passed, this.#turn);
    const { promise, resolve } = Promise.withResolvers<void>();
    queue.waiting.push({ bytes, isWanted, pass: resolve });
    this.#wait(bucket);
    return promise;
  }

  #forgetIdleTime(): void {
    this.#bucket?.cap((this.#perSecond ?? 0) * savedSeconds);
  }

  #pay(name: Class, bytes: number): void {
    if (this.#bucket === null) return;
    this.#bucket.take(bytes);
    const queue = this.#queues.get(name)!;
    queue.passed = Math.max(queue.passed, this.#turn) + bytes / queue.weight;
  }

  #newBucket(): TokenBucket | null {
    if (this.#perSecond === null) return null;
    return new TokenBucket({ burst: this.#perSecond * lateSeconds, perSecond: this.#perSecond }, () =>
      this.#clock.now(),
    );
  }

  #admit(): void {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      const [name, queue] = next;
      const bucket = this.#bucket;
      if (bucket !== null && bucket.left <= 0) {
        this.#wait(bucket);
        return;
      }
      this.#turn = queue.passed;
      const { bytes, isWanted, pass } = queue.waiting.shift()!;
      if (isWanted()) this.#pay(name, bytes);
      pass();
    }
  }

  #wait(bucket: TokenBucket): void {
    this.#timer ??= this.#clock.after(Math.max(1, bucket.untilPaid), () => {
      this.#timer = null;
      this.#admit();
    });
  }

  #next(): [Class, Queue] | null {
    let next: [Class, Queue] | null = null;
    for (const [name, queue] of this.#queues) {
      if (queue.waiting.length > 0 && (next === null || queue.passed < next[1].passed)) next = [name, queue];
    }
    return next;
  }
}
