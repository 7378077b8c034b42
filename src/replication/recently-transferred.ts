/**
 * Blocks that repair has carried from here to others. A host that is given one again has freed it since: its publisher
 * ended what claims it, and this host, being away then, has not heard of it. Unless it looks for itself, the block is
 * carried and freed, minute by minute, until its own check after up to 6 h.
 */

import type { HostId } from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';

/** About 200 bytes each. Of those beyond the oldest are forgotten: the check every 6 h finds them. */
const maxRemembered = 16_384;

export class RecentlyTransferred {
  readonly #given = new BoundedCache<string, true>(maxRemembered);
  readonly #doubted: (key: string) => void;

  /** @param doubted told of the block that was given to the same host before. */
  constructor(doubted: (key: string) => void) {
    this.#doubted = doubted;
  }

  /** Somebody says that nothing claims it any more. */
  doubt(key: string): void {
    this.#doubted(key);
  }

  note(host: HostId, key: string): void {
    const name = `${host} ${key}`;
    if (this.#given.get(name) === true) this.#doubted(key);
    else this.#given.set(name, true);
  }
}
