/** Members that may lie between one of mine and its successor, from POKEs, the cache and merging, waiting to be asked. */
import { between, type RingId } from '../protocol/identifier.ts';
import type { MemberPointer } from '../protocol/pointer.ts';
import { maxQueuedCandidates } from './timers.ts';

export class Candidates {
  readonly #me: RingId;
  #waiting: MemberPointer[] = [];

  constructor(me: RingId) {
    this.#me = me;
  }

  /** The one that has waited longest gives way when there are too many. */
  add(candidate: MemberPointer): void {
    if (this.#waiting.some((one) => one.id === candidate.id)) return;
    if (this.#waiting.length >= maxQueuedCandidates) this.#waiting.shift();
    this.#waiting.push(candidate);
  }

  /** The nearest behind me: once it is my successor the others need not be asked. */
  takeNearest(): MemberPointer | null {
    const [first, ...others] = this.#waiting;
    if (first === undefined) return null;
    const nearest = others.reduce((best, one) => (between(this.#me, one.id, best.id) ? one : best), first);
    this.#waiting = this.#waiting.filter((one) => one !== nearest);
    return nearest;
  }

  clear(): void {
    this.#waiting = [];
  }
}
