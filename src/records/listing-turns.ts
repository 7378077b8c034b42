/**
 * What costs time, such as pages of what is kept here and proofs of it, made for others in turns: one at a time, of each
 * asker in a line of its own, and at most half of this peer's time goes into them. A page costs milliseconds; made as they are
 * asked for, the hundreds that one asker may want at once would hold up every heartbeat and read.
 */

import type { Clock, HostId, Milliseconds } from '@chordial/ring';
import { TransportError } from '../network/transport.ts';

/** A host that reads a listing asks for the next page when it has the one before. */
const maxWaitingPerAsker = 16;
const maxWaitingAskers = 256;
/** After so long everything else is served. */
const turnMilliseconds: Milliseconds = 5;

/** A promise when it is still being made; it never rejects. */
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

  /** What `make` returns or throws, when its turn has come. Rejects with a TransportError, code `busy`, when too many wait. */
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

  /** While it rests nothing is made; then it goes on by itself. */
  #isRestDue(): boolean {
    const rest = this.#owed;
    this.#isAtWork = rest >= turnMilliseconds;
    if (!this.#isAtWork) return false;
    this.#owed = 0;
    this.#clock.after(rest, () => this.#work());
    return true;
  }
}
