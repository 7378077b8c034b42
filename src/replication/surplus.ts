/**
 * Items for which this host is no place any more, or never was: offered to their places, and dropped here when all of
 * these have just said that they hold them and are sure of their ranges (spec/4, Hand-over, Repair).
 *
 * Two hosts never drop the last copies at each other's word: only a host that has a place says it is sure, and one that
 * has a place drops nothing.
 */
import type { Contact, HostId } from '../ring/pointer.ts';
import { blockSet, type ItemSet } from '../storage/item-index.ts';
import { type Page, segmentsOf } from '../storage/key-range.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { ItemMover } from './item-mover.ts';
import { cellArcOf, placesOfItem } from './item-places.ts';
import { SyncClient } from './sync-client.ts';
import type { HeldAnswer, ListedItem } from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';

/** Items looked at together: one question to each of their places. */
const itemsPerPage = 512;
const lastKey = 'f'.repeat(64);
const circle: KeyArc = { after: lastKey, upTo: lastKey };

export interface SurplusOutcome {
  readonly dropped: number;
  readonly left: number;
}

/** What became of what has no place here. `kept` stands in for a place without room: nothing is to be done about it soon. */
interface Settled {
  readonly dropped: number;
  readonly kept: number;
}

type Held = 'held' | 'not-held' | 'full';

interface Placed extends ListedItem {
  readonly places: readonly Contact[];
}

export class Surplus {
  readonly #ports: SyncPorts;
  readonly #mover: ItemMover;

  constructor(ports: SyncPorts, mover: ItemMover) {
    this.#ports = ports;
    this.#mover = mover;
  }

  /**
   * Resolves with how many items were dropped, and how many are to be looked at again. Where ranges are confirmed only
   * `everything` looks: places move when the ring changes. After a change under way, and while somebody hands over to
   * leave, nothing is dropped.
   */
  async remove(everything: boolean, ringChanged: () => boolean, signal: AbortSignal): Promise<SurplusOutcome> {
    const changed = (): boolean => ringChanged() || this.#ports.leavers.isAny();
    let [dropped, left] = [0, 0];
    for (const set of this.#ports.index.sets()) {
      for (const range of everything ? [circle] : gapsBetween(this.#ports.confirmed.ranges())) {
        let cursor: string | null = null;
        do {
          if (signal.aborted || changed()) return { dropped, left: left + 1 };
          const page: Page<ListedItem> = this.#ports.index.items(set, range, cursor, itemsPerPage);
          // What stays here anyway is offered to its places when these may have changed.
          const items = everything ? page.items : page.items.filter((item) => !this.#isKept(set, item));
          const placed = await this.#placed(set, items);
          await this.#tellOwners(set, placed, signal);
          const surplus = await this.#surplusOf(set, placed);
          const settled = await this.#settle(set, surplus, changed, signal);
          dropped += settled.dropped;
          left += surplus.length - settled.dropped - settled.kept;
          cursor = page.cursor;
        } while (cursor !== null);
      }
    }
    return { dropped, left };
  }

  async #settle(
    set: ItemSet,
    surplus: readonly Placed[],
    changed: () => boolean,
    signal: AbortSignal,
  ): Promise<Settled> {
    if (surplus.length === 0) return { dropped: 0, kept: 0 };
    const answers = await this.#askPlaces(set, surplus, signal);
    const { replicas } = this.#ports;
    const held: Placed[] = [];
    let kept = 0;
    for (const item of surplus) {
      let everywhere = item.places.length > 0;
      let isFull = false;
      // Some place with room may lack it still: it was given it just now, or not reached.
      let isOpen = false;
      for (const [position, host] of item.places.entries()) {
        const answer = answers.get(host.host)?.get(item.key);
        // One that is not sure yet is being given its share by the owner, who speaks to the first r places alone.
        const isSure = answer?.confirmed === true || position >= replicas;
        if (answer === undefined || !isSure) {
          everywhere = false;
          isOpen ||= answer === undefined;
          continue;
        }
        const there = await this.#given(set, host, item, answer, signal);
        if (there !== 'held') everywhere = false;
        if (there === 'full') isFull = true;
        if (there === 'not-held') isOpen = true;
      }
      if (everywhere && this.#isKept(set, item)) kept += 1;
      else if (everywhere) held.push(item);
      else if (isFull && !isOpen) kept += 1;
    }
    return { dropped: changed() || signal.aborted ? 0 : await this.#drop(set, held), kept };
  }

  async #placed(set: ItemSet, items: readonly ListedItem[]): Promise<readonly Placed[]> {
    return Promise.all(
      items
        .filter((item) => this.#isWanted(item))
        .map(async (item) => ({ ...item, places: await placesOfItem(this.#ports, set, item.key) })),
    );
  }

  /**
   * Of a block of more than r copies the places beyond the first r are compared only by owners that hold such a block. One
   * that lost all of its own, or came anew, is given this one, and sees to the others.
   */
  async #tellOwners(set: ItemSet, placed: readonly Placed[], signal: AbortSignal): Promise<void> {
    const { view, replicas } = this.#ports;
    if (set.kind !== 'blocks' || set.copies <= replicas) return;
    const far = placed.flatMap((item) => {
      const [owner] = item.places;
      const isFar = item.places.findIndex(({ host }) => host === view.self.host) >= replicas;
      return isFar && owner !== undefined ? [{ ...item, places: [owner] }] : [];
    });
    const answers = await this.#askPlaces(set, far, signal);
    for (const { key, cid, places } of far) {
      const [owner] = places;
      const isLacked = owner !== undefined && answers.get(owner.host)?.get(key)?.held === 'absent';
      if (isLacked && cid !== null && !signal.aborted) await this.#mover.pushBlock(owner, cid, signal);
    }
  }

  async #surplusOf(set: ItemSet, placed: readonly Placed[]): Promise<readonly Placed[]> {
    const { view, confirmed } = this.#ports;
    const surplus = placed.filter(({ places }) => !places.some(({ host }) => host === view.self.host));
    // From here on this host's word on them does not count, so that others keep theirs.
    for (const { key } of surplus) {
      const at = key.slice(0, 64);
      if (set.kind === 'leaves') confirmed.withdrawAll(cellArcOf(at));
      else if (await this.#isPlaceOfMore(set, at)) confirmed.disown(at);
      else confirmed.withdraw(at);
    }
    return surplus;
  }

  /** Of what is wanted in r copies here would be a place; of this fewer are wanted. */
  async #isPlaceOfMore(set: ItemSet, at: string): Promise<boolean> {
    const { view, replicas } = this.#ports;
    if (set.kind !== 'blocks' || set.copies >= replicas) return false;
    const places = await placesOfItem(this.#ports, blockSet(replicas), at);
    return places.some(({ host }) => host === view.self.host);
  }

  /** Blocks that nothing claims are freed where they are, by themselves. */
  #isWanted({ cid }: ListedItem): boolean {
    return cid === null || this.#ports.blocks.claimsOf(cid).length > 0;
  }

  /** The publisher's list of its own names is read from its own table: it keeps them wherever their places are. */
  #isKept(set: ItemSet, { key }: ListedItem): boolean {
    const { index, records } = this.#ports;
    if (set.kind !== 'records') return false;
    const row = index.find(set, key)?.record ?? null;
    const record = row === null ? null : records.table.byRow(row);
    return record !== null && records.isOwn(record);
  }

  async #askPlaces(
    set: ItemSet,
    surplus: readonly Placed[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<HostId, ReadonlyMap<string, HeldAnswer>>> {
    const questions = new Map<HostId, { host: Contact; items: Placed[] }>();
    for (const item of surplus) {
      for (const host of item.places) {
        const question = questions.get(host.host) ?? { host, items: [] };
        question.items.push(item);
        questions.set(host.host, question);
      }
    }
    const client = new SyncClient(this.#ports.transport, signal);
    const answers = new Map<HostId, ReadonlyMap<string, HeldAnswer>>();
    await Promise.all(
      [...questions.values()].map(async ({ host, items }) => {
        try {
          const held = await client.holds(
            host,
            items.map(({ key, digest }) => ({ set, key, digest })),
          );
          answers.set(host.host, new Map(items.map(({ key }, position) => [key, held[position]!])));
        } catch (error) {
          this.#ports.report?.('no-answer', host, (error as Error).message);
        }
      }),
    );
    return answers;
  }

  /** Whether the host holds what is here, if need be after it was given it. */
  async #given(set: ItemSet, host: Contact, item: Placed, { held }: HeldAnswer, signal: AbortSignal): Promise<Held> {
    if (held === 'same') return 'held';
    if (item.cid !== null && held === 'other')
      return (await this.#mover.exchangeClaims(host, [item.cid], signal)) ? 'held' : 'not-held';
    const moved = await this.#mover.push(host, set, item, signal);
    if (moved === 'full') return 'full';
    // A block is asked for again in a later round, when the host says itself that it has it.
    return moved === 'moved' && set.kind !== 'blocks' ? 'held' : 'not-held';
  }

  async #drop(set: ItemSet, held: readonly Placed[]): Promise<number> {
    const { blocks, records, shares, index } = this.#ports;
    if (set.kind === 'leaves') {
      const leaves = held.flatMap(({ key }) => index.find(set, key)?.record ?? []);
      await shares.table.removeLeaves(leaves);
      return leaves.length;
    }
    const looked = held.flatMap(({ cid, digest }) => (cid === null ? [] : [{ cid, digest }]));
    // A record that was replaced meanwhile is another item; a block that was claimed once more counts as a copy of that put.
    const items = held.flatMap(({ key, digest }) => {
      const item = set.kind === 'records' ? index.find(set, key) : null;
      return item === null || item.digest !== digest ? [] : [item];
    });
    const rows = items.flatMap(({ record }) => (record === null ? [] : (records.table.byRow(record) ?? [])));
    if (rows.length > 0) await records.table.removeExactly(rows);
    return rows.length + (looked.length === 0 ? 0 : await blocks.deleteUnchanged(looked));
  }
}

/** What of the circle lies in none of the ranges. */
export function gapsBetween(ranges: readonly KeyArc[]): readonly KeyArc[] {
  const segments = ranges.flatMap((range) => segmentsOf(range));
  segments.sort((a, b) => ((a.after ?? '') < (b.after ?? '') ? -1 : 1));
  const gaps: KeyArc[] = [];
  /** Up to here each key is in a range or a gap; null: none was looked at. */
  let settled: string | null = null;
  for (const { after, upTo } of segments) {
    if (after !== null && (settled === null || after > settled)) gaps.push({ after: settled ?? lastKey, upTo: after });
    if (settled === null || upTo > settled) settled = upTo;
  }
  if (settled !== lastKey) gaps.push({ after: settled ?? lastKey, upTo: lastKey });
  return gaps;
}
