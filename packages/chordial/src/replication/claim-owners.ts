/** Whether blocks from others are accepted, and who is charged for them: own puts, and those passed on (storage-shares.ts). */

import type { Contact, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { TransportError } from '../network/transport.ts';
import type { Claim, ClaimTable } from '../storage/claim-table.ts';
import { rowBytes } from '../storage/schema.ts';
import { maxClaimsPerBlock, maxOpenClaims, type StorageShares } from '../storage/storage-shares.ts';
import { blockMessages } from './block-messages.ts';
import type { DataPorts } from './data-ports.ts';

/** A host's offer is queried again after this time … */
const believedMilliseconds: Milliseconds = 10 * 60_000;
/** … and after this time when nothing could be challenged, or the host did not answer. */
const unprovedMilliseconds: Milliseconds = 2000;
const maxProved = 4096;
const deadlineMilliseconds: Milliseconds = 1500;
/** So few are looked up individually when there is no room: some may already be here. */
const fewClaims = 4;

type Shares = Pick<StorageShares, 'askAbout' | 'checkBlocks' | 'checkRows' | 'gives' | 'isTight'>;
type Claims = Pick<ClaimTable, 'openOf' | 'count' | 'has'>;

export class ClaimOwners {
  readonly #ports: Pick<DataPorts, 'view' | 'transport' | 'clock'>;
  readonly #shares: Shares;
  readonly #claims: Claims;
  readonly #heldPart: (host: Contact) => Promise<number | null>;
  readonly #asked = new Map<string, { readonly until: Milliseconds; readonly answer: Promise<void> }>();

  /** What each offered when it last proved it. */
  readonly #proved = new BoundedCache<string, number>(maxProved);

  /** @param heldPart the proved fraction of what the host should hold; null when there is nothing to challenge (held-part.ts) */
  constructor(
    ports: Pick<DataPorts, 'view' | 'transport' | 'clock'>,
    shares: Shares,
    claims: Claims,
    heldPart: (host: Contact) => Promise<number | null>,
  ) {
    this.#ports = ports;
    this.#shares = shares;
    this.#claims = claims;
    this.#heldPart = heldPart;
    // After a failure the next record asks again.
    shares.askAbout = (owner) => void this.#learn(owner).catch(() => undefined);
  }

  /**
   * The claims on a block that are accepted now: all that fit, existing ones included. Repair brings the rest in a
   * later round, when the first are known to be committed; a put brings one. Throws `publisher-full` or `quota-full`
   * when none fits.
   */
  fitting(key: string, claims: readonly Claim[]): readonly Claim[] {
    const { view } = this.#ports;
    const table = this.#claims;
    const taken: Claim[] = [];
    let refusal: ChordialError | null = null;
    for (const [owner, all] of Map.groupBy(claims, ownerOf)) {
      if (owner === view.self.host) {
        taken.push(...all);
        continue;
      }
      const room = this.#roomOn(key, owner);
      for (const claim of all) {
        if (taken.length >= room && all.length > fewClaims) break;
        try {
          if (!table.has(key, claim)) this.#pay(owner, claim, taken.length < room);
          taken.push(claim);
        } catch (error) {
          if (!(error instanceof ChordialError)) throw error;
          refusal = error;
        }
      }
    }
    if (taken.length === 0 && claims.length > 0) throw refusal ?? tooManyOpen(ownerOf(claims[0]!));
    return taken;
  }

  #roomOn(key: string, owner: string): number {
    const table = this.#claims;
    return Math.min(maxOpenClaims - table.openOf(key, owner), maxClaimsPerBlock - table.count(key));
  }

  #pay(owner: string, claim: Claim, hasRoom: boolean): void {
    if (!hasRoom) throw tooManyOpen(owner);
    this.#shares.checkRows(owner, 2 * claim.name.length + rowBytes.put + rowBytes.claim);
  }

  /** Throws `publisher-full`. The offer of an owner that might have more room is queried. */
  async checkBlock(claims: readonly Claim[], bytes: number): Promise<void> {
    for (const owner of new Set(claims.map(ownerOf))) {
      await this.askIfTight(owner, bytes);
      this.#shares.checkBlocks(owner, bytes);
    }
  }

  /** Until it is known what an owner gives, where so many bytes of it fit only because of that. */
  async askIfTight(owner: string, bytes: number): Promise<void> {
    if (this.#shares.isTight(owner, bytes)) await this.#learn(owner);
  }

  #learn(owner: string): Promise<void> {
    const now = this.#ports.clock.now();
    const known = this.#asked.get(owner);
    if (known !== undefined && known.until > now) return known.answer;
    for (const [host, { until }] of this.#asked) if (until <= now) this.#asked.delete(host);
    const answer = this.#ask(owner);
    this.#asked.set(owner, { until: now + believedMilliseconds, answer });
    return answer;
  }

  /**
   * A client offers nothing. A host's offer is its quota times the proved fraction; while it does not answer, the last
   * proved value.
   */
  async #ask(owner: string): Promise<void> {
    const { transport, view } = this.#ports;
    const shares = this.#shares;
    const contact = view.hosts().find(({ host }) => host === owner);
    try {
      if (contact === undefined) return shares.gives(owner, 0);
      const options = { deadline: deadlineMilliseconds };
      const { gives } = await blockMessages.room.ask(transport, contact, { bytes: 0 }, options);
      const part = await this.#heldPart(contact);
      shares.gives(owner, gives * (part ?? 1));
      if (part !== null) this.#proved.set(owner, gives * part);
      else this.#askSoon(owner);
    } catch (error) {
      if (!(error instanceof TransportError || error instanceof ChordialError)) throw error;
      shares.gives(owner, this.#proved.get(owner) ?? 0);
      this.#askSoon(owner);
    }
  }

  #askSoon(owner: string): void {
    const known = this.#asked.get(owner);
    if (known !== undefined)
      this.#asked.set(owner, { ...known, until: this.#ports.clock.now() + unprovedMilliseconds });
  }
}

function tooManyOpen(owner: string): ChordialError {
  return new ChordialError(
    'publisher-full',
    `${owner} has ${maxOpenClaims} puts in progress that claim one block, as many as are taken. Let them end first.`,
  );
}

function ownerOf({ publisher, via }: Claim): string {
  return via ?? publisher;
}
