/** Whether what others bring may lie here, and on whose account: their own puts, and those that they hand on (storage-shares.ts). */
import { ChordialError } from '../errors.ts';
import { type Transport, TransportError } from '../network/transport.ts';
import type { Clock, Milliseconds } from '../ring/ports.ts';
import type { RingView } from '../ring/view.ts';
import type { Claim, ClaimTable } from '../storage/claim-table.ts';
import { rowBytes } from '../storage/publisher-schema.ts';
import { maximumClaimsPerBlock, maximumOpenClaims, type StorageShares } from '../storage/storage-shares.ts';
import { blockMessages, decodeRoom } from './block-messages.ts';

/** What a host gives is asked again after so long. */
const believedMilliseconds: Milliseconds = 10 * 60_000;
const deadlineMilliseconds: Milliseconds = 1500;

export interface ClaimOwnersPorts {
  readonly shares: StorageShares;
  readonly claims: Pick<ClaimTable, 'openOf' | 'count' | 'has'>;
  readonly view: RingView;
  readonly transport: Transport;
  readonly clock: Clock;
}

export class ClaimOwners {
  readonly #ports: ClaimOwnersPorts;
  readonly #asked = new Map<string, { readonly until: Milliseconds; readonly answer: Promise<void> }>();

  constructor(ports: ClaimOwnersPorts) {
    this.#ports = ports;
  }

  /** Throws `publisher-full` or `quota-full`. Claims that are here already cost nothing. */
  checkClaims(key: string, claims: readonly Claim[]): void {
    const { shares, claims: table, view } = this.#ports;
    const fresh = claims.filter((claim) => ownerOf(claim) !== view.self.host && !table.has(key, claim));
    if (fresh.length === 0) return;
    for (const [owner, some] of Map.groupBy(fresh, ownerOf)) {
      const bytes = some.reduce((sum, { name }) => sum + 2 * name.length + rowBytes.put + rowBytes.claim, 0);
      shares.checkRows(owner, bytes);
      if (table.openOf(key, owner) + some.length > maximumOpenClaims)
        throw new ChordialError(
          'publisher-full',
          `${owner} has ${maximumOpenClaims} puts under way that claim one block, as many as are taken. Let them end first.`,
        );
    }
    if (table.count(key) + fresh.length > maximumClaimsPerBlock)
      throw new ChordialError('quota-full', `${maximumClaimsPerBlock} puts claim this block, as many as are kept.`);
  }

  /** Throws `publisher-full`. An owner that might have more room is asked what it gives. */
  async checkBlock(claims: readonly Claim[], bytes: number): Promise<void> {
    const { shares } = this.#ports;
    for (const owner of new Set(claims.map(ownerOf))) {
      if (shares.isTight(owner, bytes)) await this.#learn(owner);
      shares.checkBlocks(owner, bytes);
    }
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

  /** A client, or whoever does not answer, gives nothing. */
  async #ask(owner: string): Promise<void> {
    const { shares, transport, view } = this.#ports;
    const contact = view.hosts().find(({ host }) => host === owner);
    try {
      if (contact === undefined) return shares.gives(owner, 0);
      const options = { deadline: deadlineMilliseconds };
      shares.gives(owner, decodeRoom(await transport.request(contact, blockMessages.room, {}, options)).gives);
    } catch (error) {
      if (!(error instanceof TransportError || error instanceof ChordialError)) throw error;
      this.#asked.delete(owner);
    }
  }
}

function ownerOf({ publisher, via }: Claim): string {
  return via ?? publisher;
}
