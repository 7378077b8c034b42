/**
 * Blocks that repair has sent from here to others. A host that needs one again has freed it since: its publisher ended
 * its claims, which this host, being away, did not notice. Unless it checks, the block is sent and freed every minute,
 * until its own check after up to 6 h.
 */

import type { HostId } from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';

/** About 200 bytes each. Evicted ones are found by the check every 6 h. */
const maxRemembered = 16_384;

export class RecentlyTransferred {
  readonly #given = new BoundedCache<string, true>(maxRemembered);
  readonly #doubted: (key: string) => void;

  /** @param doubted called with a block that was sent to the same host before */
  constructor(doubted: (key: string) => void) {
    this.#doubted = doubted;
  }

  /** A host says that it is unclaimed. */
  doubt(key: string): void {
    this.#doubted(key);
  }

  note(host: HostId, key: string): void {
    const name = `${host} ${key}`;
    if (this.#given.get(name) === true) this.#doubted(key);
    else this.#given.set(name, true);
  }
}
