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
const maximumRemembered = 16_384;

export class EndedPuts {
  /** By publisher and name: puts of lower sequence numbers are over. */
  readonly #latest = new BoundedCache<string, number>(maximumRemembered);

  /** Puts of lower sequence numbers are over. */
  note(publisher: string, name: string, sequence: number): void {
    const key = `${publisher} ${name}`;
    if (sequence > (this.#latest.get(key) ?? 0)) this.#latest.set(key, sequence);
  }

  /** Those that may still hold. */
  standing(claims: readonly Claim[]): readonly Claim[] {
    return claims.filter(
      ({ publisher, name, sequence }) => sequence >= (this.#latest.get(`${publisher} ${name}`) ?? 0),
    );
  }

  /** Whether it is known that nobody wants what these claim; of what nothing claims nothing is known. */
  areOver(claims: readonly Claim[]): boolean {
    return claims.length > 0 && this.standing(claims).length === 0;
  }
}
