/**
 * Puts known to have expired, or to have been ended by a later entry of their publisher. Blocks with only such claims
 * are refused: a host that has not checked yet passes them on, and among three that check at different times a dead
 * block would circulate for ever, freed by each and fetched again from the next.
 *
 * Sequences only increase, so what is known here stays true; forgetting it costs one more check.
 */
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Claim } from '../storage/claim-table.ts';

/** Names, of about 300 bytes each. */
const maxRemembered = 16_384;

type PutOf = Pick<Claim, 'publisher' | 'name' | 'sequence'>;

export class SupersededPuts {
  /** By publisher and name: puts of lower sequence numbers have ended. */
  readonly #latest = new BoundedCache<string, number>(maxRemembered);

  readonly #givenUp = new BoundedCache<string, true>(maxRemembered);

  /** Puts of lower sequence numbers have ended. */
  note(publisher: string, name: string, sequence: number): void {
    const key = `${publisher} ${name}`;
    if (sequence > (this.#latest.get(key) ?? 0)) this.#latest.set(key, sequence);
  }

  /**
   * A put released because its publisher was silent, or said that it had ended. Blocks from others are accepted again,
   * since the put may have been committed nevertheless; the publisher itself must learn that what it sent before is
   * gone.
   */
  giveUp({ publisher, name, sequence }: PutOf): void {
    this.#givenUp.set(`${publisher} ${sequence} ${name}`, true);
  }

  gaveUp({ publisher, name, sequence }: PutOf): boolean {
    return this.#givenUp.get(`${publisher} ${sequence} ${name}`) === true;
  }

  /** Those that may still hold. */
  standing(claims: readonly Claim[]): readonly Claim[] {
    return claims.filter(
      ({ publisher, name, sequence }) => sequence >= (this.#latest.get(`${publisher} ${name}`) ?? 0),
    );
  }

  /** Whether all of these claims are known to have ended; nothing is known about unclaimed blocks. */
  areOver(claims: readonly Claim[]): boolean {
    return claims.length > 0 && this.standing(claims).length === 0;
  }
}
