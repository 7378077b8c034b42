/**
 * Finds the differences of a range between this host and another: the range is split until a part is small enough to be
 * listed (range-based set reconciliation, A. Meyer 2022, as in negentropy). A difference of d items among n costs O(d
 * log n) fingerprints, and equal parts are never listed.
 */

import type { Contact } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { ItemIndex, ItemSet } from '../storage/item-index.ts';
import type { KeyRange } from '../storage/key-range.ts';
import { type KeyArc, partsOf } from '../storage/range-parts.ts';
import type { SyncClient } from './sync-client.ts';
import { type ComparedRange, fingerprintText, type ListedItem } from './sync-messages.ts';

/** Listing this many costs about as much as another round of fingerprints. */
const itemsWorthListing = 256;
const partsPerCut = 16;
const itemsPerPage = 1024;

export interface Difference {
  readonly set: ItemSet;
  readonly key: string;
  readonly cid: CID | null;
  /** Who lacks the item; `neither` when both have it with different digests. */
  readonly lacks: 'here' | 'there' | 'neither';
}

interface ComparedWith {
  readonly client: Pick<SyncClient, 'compare' | 'items'>;
  readonly index: Pick<ItemIndex, 'fingerprint' | 'items' | 'findInAnySet'>;
}

export function comparedRange(index: Pick<ItemIndex, 'fingerprint'>, set: ItemSet, range: KeyArc): ComparedRange {
  const { count, lanes } = index.fingerprint(set, range);
  return { set, range, count, fingerprint: fingerprintText(lanes) };
}

/** `theirs` is the number of items in the range at the host, which differ from those here. */
export async function* differencesIn(
  { client, index }: ComparedWith,
  host: Contact,
  { set, range }: Pick<ComparedRange, 'set' | 'range'>,
  theirs: number,
): AsyncGenerator<Difference, void, undefined> {
  const mine = index.fingerprint(set, range).count;
  if (theirs === 0) {
    for (const { key, cid } of ownItems(index, set, range)) yield { set, key, cid, lacks: 'there' };
    return;
  }
  const parts = partsOf(range, partsPerCut);
  // Records of one key, such as postings of a common word, are in a range that cannot be split, however many they are.
  if (mine === 0 || parts.length === 1 || Math.max(mine, theirs) <= itemsWorthListing) {
    yield* listed({ client, index }, host, set, range);
  } else {
    const answers = await client.compare(
      host,
      parts.map((part) => comparedRange(index, set, part)),
    );
    for (const [position, part] of parts.entries()) {
      const differs = answers[position]?.differs ?? null;
      if (differs !== null) yield* differencesIn({ client, index }, host, { set, range: part }, differs);
    }
  }
}

async function* listed(
  { client, index }: ComparedWith,
  host: Contact,
  set: ItemSet,
  range: KeyArc,
): AsyncGenerator<Difference, void, undefined> {
  const own = new Map<string, ListedItem>();
  for (const item of ownItems(index, set, range)) own.set(item.key, item);
  for await (const page of client.items(host, set, range)) {
    for (const { key, digest, cid } of page) {
      const held = own.get(key) ?? index.findInAnySet(set, key);
      own.delete(key);
      if (held === null) yield { set, key, cid, lacks: 'here' };
      else if (held.digest !== digest) yield { set, key, cid, lacks: 'neither' };
    }
  }
  for (const { key, cid } of own.values()) yield { set, key, cid, lacks: 'there' };
}

export function* ownItems(
  index: Pick<ItemIndex, 'items'>,
  set: ItemSet,
  range: KeyRange,
): Generator<ListedItem, void, undefined> {
  for (let cursor: string | null = null; ; ) {
    const page = index.items(set, range, cursor, itemsPerPage);
    yield* page.items;
    cursor = page.cursor;
    if (cursor === null) return;
  }
}
