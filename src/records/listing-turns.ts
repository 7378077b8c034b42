/**
 * Expensive answers for others, such as pages of listings and proofs, made in turns: one at a time, with a queue per
 * asker, in at most half of this peer's time. A page costs milliseconds; made on demand, the hundreds that one asker
 * may request at once would delay every heartbeat and read.
 */

import type { Clock, HostId, Milliseconds } from '@chordial/ring';
import { TransportError } from '../network/transport.ts';

/** A host that reads a listing asks for the next page when it has the previous one. */
const maxWaitingPerAsker = 16;
const maxWaitingAskers = 256;
/** Yields to everything else after this time. */
const turnMilliseconds: Milliseconds = 5;

/** A promise while it is being made; never rejects. */
type Make = () => Promise<void> | undefined;

export class ListingTurns {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  /** In the order of their next turns; none is empty. */
  readonly #lines = new Map<HostId, Make[]>();
  #isAtWork = false;
  #owed: Milliseconds = 0;

  constructor(clock: Pick<Clock, 'now' | 'after'>) {
    this.#clock = clock;
  }

  /** What `make` returns or throws in its turn. Rejects with a TransportError, code `busy`, when the queue is full. */
  take<Page>(asker: HostId, make: () => Page | Promise<Page>): Promise<Page> {
    const line = this.#lines.get(asker) ?? [];
    const isNew = line.length === 0;
    if (line.length >= maxWaitingPerAsker || (isNew && this.#lines.size >= maxWaitingAskers)) {
      return Promise.reject(
        new TransportError('refused', 'Too many lists are asked for at once; ask again in a moment.', 'busy'),
      );
    }
    const made = new Promise<Page>((resolve, reject) => {
      line.push(() => {
        try {
          const page = make();
          if (page instanceof Promise) return page.then(resolve, reject);
          resolve(page);
        } catch (error) {
          reject(error);
        }
        return undefined;
      });
    });
    this.#lines.set(asker, line);
    if (!this.#isAtWork) this.#work();
    return made;
  }

  #work(): void {
    if (this.#isRestDue()) return;
    for (const [asker, line] of this.#lines) {
      this.#lines.delete(asker);
      const began = this.#clock.now();
      const making = line.shift()?.();
      // To the end, where this loop meets it again after all others.
      if (line.length > 0) this.#lines.set(asker, line);
      if (making !== undefined) {
        this.#isAtWork = true;
        void making.then(() => {
          this.#owed += this.#clock.now() - began;
          this.#work();
        });
        return;
      }
      this.#owed += this.#clock.now() - began;
      if (this.#isRestDue()) return;
    }
  }

  /** Nothing is made while it rests; then it continues by itself. */
  #isRestDue(): boolean {
    const rest = this.#owed;
    this.#isAtWork = rest >= turnMilliseconds;
    if (!this.#isAtWork) return false;
    this.#owed = 0;
    this.#clock.after(rest, () => this.#work());
    return true;
  }
}
