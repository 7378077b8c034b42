/**
 * Puts of which this host has seen that they expired, or that a later entry of their publisher ended them. Blocks that nothing but
 * these claims are not taken again: a host that has not looked yet hands them on, and among three that look at different
 * times a dead block would go round for ever, freed by each and got again from the next.
 *
 * Publishers count their entries upwards, so what is known here stays true; forgetting it costs one more look.
 */
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Claim } from '../storage/claim-table.ts';

/** Names, of about 300 bytes each. */
const maxRemembered = 16_384;

type PutOf = Pick<Claim, 'publisher' | 'name' | 'sequence'>;

export class SupersededPuts {
  /** By publisher and name: puts of lower sequence numbers are over. */
  readonly #latest = new BoundedCache<string, number>(maxRemembered);

  readonly #givenUp = new BoundedCache<string, true>(maxRemembered);

  /** Puts of lower sequence numbers are over. */
  note(publisher: string, name: string, sequence: number): void {
    const key = `${publisher} ${name}`;
    if (sequence > (this.#latest.get(key) ?? 0)) this.#latest.set(key, sequence);
  }

  /**
   * A put that was let go because its publisher was silent, or said that it had ended. Of others its blocks are taken again, since the put may have
   * been committed all the same; the publisher itself has to hear that what it sent before is gone.
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

  /** Whether it is known that no one wants what these claim; of what nothing claims nothing is known. */
  areOver(claims: readonly Claim[]): boolean {
    return claims.length > 0 && this.standing(claims).length === 0;
  }
}
