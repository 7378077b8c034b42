/**
 * The answering side of reconciliation. It reports what is here and changes only confirmations: bytes move by the
 * messages about blocks and records, with their own checks.
 */

import { type Clock, type Contact, ringIdOfHash } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { HalfTime } from '../flow/half-time.ts';
import { maxEntryBytes } from '../records/entry.ts';
import { listingTurns } from '../records/listing-turns.ts';
import { likelyPlaces } from '../records/zone-order.ts';
import type { BlockStore } from '../storage/block-store.ts';
import { recordSet } from '../storage/item-index.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { Registry } from '../wire/message.ts';
import type { ItemStores } from './items/item-kind.ts';
import { kindOf } from './items/kinds.ts';
import type { PlacementCache } from './placement-cache.ts';
import { challengeOf, proofsOf } from './possession.ts';
import {
  type ComparedRange,
  fingerprintText,
  type HeldAnswer,
  type HoldsQuestion,
  maxItemsPerPage,
  type RangeAnswer,
  syncMessages,
} from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';

/** A request for more is answered in part; as much as one stream of leaves may hold. */
export const maxBytesProved = 16 * 1024 * 1024;

type Ports = ItemStores &
  Pick<SyncPorts, 'hashing' | 'view' | 'index' | 'confirmed'> & {
    readonly placement: Pick<PlacementCache, 'places'>;
    readonly blocks: Pick<BlockStore, 'get' | 'size'>;
    readonly clock: Pick<Clock, 'now' | 'after' | 'wallTime'>;
  };

export class SyncServer {
  readonly #ports: Ports;
  /** Proofs cost disk reads. */
  readonly #turns: HalfTime;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.#turns = listingTurns(ports.clock);
  }

  /** @param durably what is said to be held here is said when it would survive a power cut. */
  answerIn<Payload>(
    registry: Registry<Contact, Payload>,
    durably: <Answer>(answer: Answer) => Promise<Answer>,
  ): Registry<Contact, Payload> {
    const { index, confirmed } = this.#ports;
    return registry
      .on(syncMessages.compare, ({ ranges }) => durably({ answers: ranges.map((range) => this.#compare(range)) }))
      .on(syncMessages.items, ({ set, range, cursor }) => durably(index.items(set, range, cursor, maxItemsPerPage)))
      .on(syncMessages.records, ({ keys }) => durably({ entries: keys.map((key) => this.#recordBytes(key)) }))
      .on(syncMessages.holds, async (question, from) => {
        const held = (): Promise<readonly HeldAnswer[]> => this.#held(from, question);
        return durably({ answers: await (question.nonce === null ? held() : this.#turns.take(from.host, held)) });
      })
      .on(syncMessages.confirm, async ({ ranges }, from) => {
        for (const { missed, ...range } of ranges)
          if (await this.#speaksFor(from, range)) confirmed.confirm(range, missed);
        return durably({});
      });
  }

  #compare({ set, range, count, fingerprint }: ComparedRange): RangeAnswer {
    const own = this.#ports.index.fingerprint(set, range);
    const same = own.count === count && fingerprintText(own.lanes) === fingerprint;
    return { differs: same ? null : own.count, confirmed: this.#ports.confirmed.standing(range) };
  }

  #recordBytes(key: string): Uint8Array | null {
    const row = this.#ports.index.find(recordSet, key)?.record ?? null;
    return row === null ? null : (this.#ports.records.table.byRow(row)?.bytes ?? null);
  }

  /** Reading and hashing for proofs is bounded; an asker that needs more asks again. */
  async #held(from: Contact, { items, nonce }: HoldsQuestion): Promise<readonly HeldAnswer[]> {
    const { index, confirmed, blocks, view } = this.#ports;
    const challenge = nonce === null ? null : challengeOf(nonce, from.host, view.self.host);
    const answers: HeldAnswer[] = [];
    let room = maxBytesProved;
    for (const { set, key, digest } of items) {
      const item = index.findInAnySet(set, key);
      const held = item === null ? 'absent' : item.digest === digest ? 'same' : 'other';
      let proof: Uint8Array | null = null;
      if (item !== null && challenge !== null && room > 0) {
        room -= item.cid === null ? maxEntryBytes : ((await blocks.size(item.cid)) ?? 0);
        if (room >= 0) proof = (await proofsOf(this.#ports, set, item, [challenge]))?.[0] ?? null;
      }
      answers.push({ held, confirmed: kindOf(set).isAuthoritative(confirmed, key), proof });
    }
    return answers;
  }

  /** Only the owner of a range can say what exists in it, and only to a host that is a place of it. */
  async #speaksFor(from: Contact, { after, upTo }: KeyArc): Promise<boolean> {
    const { view, placement, index } = this.#ports;
    const isMine = (places: readonly Contact[]): boolean =>
      places[0]?.host === from.host && places.some(({ host }) => host === view.self.host);
    // A lookup would ask and believe the owner known to this host: the sender here is known to be it.
    if (isMine(likelyPlaces(view, ringIdOfHash(after, view.shape.bits), index.copies))) return true;
    try {
      return isMine(await placement.places(ringIdOfHash(upTo, view.shape.bits), index.copies));
    } catch (error) {
      // Without a known owner nothing is confirmed: that happens in the next round.
      if (error instanceof ChordialError) return false;
      throw error;
    }
  }
}
