/** Removes what is stored here of members that were removed from the network, and no longer counts. */
import type { HostId, Milliseconds } from '@chordial/ring';
import type { Membership } from '../network/membership.ts';
import type { ShareHolder } from '../records/share-holder.ts';
import type { ClaimTable } from '../storage/claim-table.ts';
import type { RecordTable } from '../storage/record-table.ts';
import type { EndedName } from './claim-messages.ts';

const rowsPerBatch = 500;
/** It reads all records of a host. */
const refusedDroppedEveryMilliseconds: Milliseconds = 10 * 60_000;

interface Stored {
  readonly membership: Pick<Membership, 'removed' | 'refuses'>;
  readonly records: Pick<RecordTable, 'ofPublisher' | 'remove'>;
  readonly shares: Pick<ShareHolder, 'removeOf'>;
  readonly claims: Pick<ClaimTable, 'walk'>;
  /** Releases the blocks of these names. */
  readonly release: (publisher: HostId, names: readonly EndedName[]) => void;
  readonly closing: AbortSignal;
}

export class RemovedPublishers {
  readonly #stored: Stored;
  #refusedDroppedAt = Number.NEGATIVE_INFINITY;

  constructor(stored: Stored) {
    this.#stored = stored;
  }

  /**
   * Its shares and the records that it signed after its removal. For a purged member its names go too, before its blocks, so that no
   * name leads to freed blocks.
   */
  async purge(publisher: HostId): Promise<void> {
    const { shares, membership, claims, release } = this.#stored;
    await shares.removeOf(publisher);
    await this.#dropRefused(publisher);
    if (!membership.refuses(publisher, 0)) return;
    const names = new Map<string, EndedName>();
    for (let after = 0; ; ) {
      const puts = claims.walk(after, rowsPerBatch);
      const last = puts.at(-1);
      if (last === undefined) break;
      for (const put of puts) {
        if (put.publisher === publisher) names.set(put.name, { name: put.name, sequence: put.sequence });
      }
      after = last.put;
    }
    release(publisher, [...names.values()]);
  }

  /** Every ten minutes: a record verified just before a removal arrives may be stored just after it. */
  async dropRefused(now: Milliseconds): Promise<void> {
    if (now - this.#refusedDroppedAt < refusedDroppedEveryMilliseconds) return;
    this.#refusedDroppedAt = now;
    for (const host of this.#stored.membership.removed()) await this.#dropRefused(host);
  }

  /** Records that were signed after the removal of their publisher: no other host accepts them. */
  async #dropRefused(publisher: HostId): Promise<void> {
    const { records, membership, closing } = this.#stored;
    for (let after: number | null = 0; after !== null; ) {
      const { rows, last } = records.ofPublisher(publisher, after, rowsPerBatch);
      const refused = rows.filter(({ sequence }) => membership.refuses(publisher, sequence));
      if (closing.aborted) return;
      if (refused.length > 0) await records.remove(refused);
      after = last;
    }
  }
}
