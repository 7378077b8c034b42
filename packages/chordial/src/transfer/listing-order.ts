/** Filters and sorts lists of files of any length, in turns, so that other work goes on. */
import { setImmediate } from 'node:timers/promises';
import { type FileKind, kindOfFile, naturalKey } from '../content/file-kinds.ts';

export const listingSorts = ['name', 'size', 'date', 'copies'] as const;

export interface ListingWish {
  readonly sort?: (typeof listingSorts)[number] | undefined;
  readonly descending?: boolean | undefined;
  /** None: all. */
  readonly kinds?: readonly FileKind[] | undefined;
  /** Bytes, inclusive. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
  /** Milliseconds since 1970, inclusive. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  /** Id, or what the peer is called. */
  readonly publisher?: string | undefined;
  readonly zone?: string | undefined;
}

/** What a list knows of one of its files. */
export interface ListedFacts {
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly size: number;
  readonly time: number;
  readonly copies: number | null;
  readonly publishers: readonly string[];
}

/** Of peers. */
export interface ListedPeers {
  called(host: string): string;
  zoneOf(host: string): string | null;
}

export interface ListingCounts {
  readonly kinds: Readonly<Record<string, number>>;
  /** Those with the most files. */
  readonly publishers: readonly { readonly id: string; readonly name: string; readonly count: number }[];
  readonly zones: readonly { readonly zone: string; readonly count: number }[];
}

export interface Listing<Item> {
  readonly items: readonly Item[];
  /** Of all, before the filters. */
  readonly counts: ListingCounts;
}

const itemsPerTurn = 4096;
const maxCounted = 50;

export async function listed<Item>(
  all: readonly Item[],
  factsOf: (item: Item) => ListedFacts,
  wish: ListingWish,
  peers: ListedPeers,
): Promise<Listing<Item>> {
  const counting = new Counting(peers);
  const found: Sortable<Item>[] = [];
  const isWanted = filterOf(wish, peers);
  for (let at = 0; at < all.length; at += itemsPerTurn) {
    if (at > 0) await setImmediate();
    for (const item of all.slice(at, at + itemsPerTurn)) {
      const facts = factsOf(item);
      counting.add(facts);
      if (isWanted(facts))
        found.push({ item, name: naturalKey(facts.name), by: byOf(facts, wish.sort), exact: facts.name });
    }
  }
  const { sort, descending = false } = wish;
  const sorted = sort === undefined ? found : await sortedInTurns(found, orderOf(sort, descending));
  return { items: sorted.map(({ item }) => item), counts: counting.counts };
}

interface Sortable<Item> {
  readonly item: Item;
  /** Natural key. */
  readonly name: string;
  readonly by: number;
  readonly exact: string;
}

function byOf({ size, time, copies }: ListedFacts, sort: ListingWish['sort']): number {
  return sort === 'size' ? size : sort === 'date' ? time : sort === 'copies' ? (copies ?? -1) : 0;
}

/** Names decide between equals, in the same order either way. */
function orderOf(sort: ListingWish['sort'], descending: boolean) {
  const sign = descending ? -1 : 1;
  const byName = (a: Sortable<unknown>, b: Sortable<unknown>): number => {
    if (a.name !== b.name) return a.name < b.name ? -1 : 1;
    return a.exact < b.exact ? -1 : a.exact > b.exact ? 1 : 0;
  };
  if (sort === 'name') return (a: Sortable<unknown>, b: Sortable<unknown>) => sign * byName(a, b);
  return (a: Sortable<unknown>, b: Sortable<unknown>) => sign * (a.by - b.by) || byName(a, b);
}

function filterOf({ kinds = [], least, most, after, before, publisher, zone }: ListingWish, peers: ListedPeers) {
  return ({ name, type, size, time, publishers }: ListedFacts): boolean => {
    if (kinds.length > 0 && !kinds.includes(kindOfFile(name, type))) return false;
    if ((least !== undefined && size < least) || (most !== undefined && size > most)) return false;
    if ((after !== undefined && time < after) || (before !== undefined && time > before)) return false;
    if (publisher !== undefined && !publishers.some((one) => one === publisher || peers.called(one) === publisher))
      return false;
    return zone === undefined || publishers.some((one) => peers.zoneOf(one) === zone);
  };
}

/** Stable merge sort with pauses. */
export async function sortedInTurns<Item>(
  items: readonly Item[],
  order: (a: Item, b: Item) => number,
): Promise<readonly Item[]> {
  let runs: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += itemsPerTurn) {
    if (at > 0) await setImmediate();
    runs.push(items.slice(at, at + itemsPerTurn).sort(order));
  }
  while (runs.length > 1) {
    const merged: (readonly Item[])[] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(await merge(runs[at]!, runs[at + 1] ?? [], order));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<Item>(
  one: readonly Item[],
  other: readonly Item[],
  order: (a: Item, b: Item) => number,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let [a, b] = [0, 0];
  while (a < one.length && b < other.length) {
    all.push(order(one[a]!, other[b]!) <= 0 ? one[a++]! : other[b++]!);
    if (all.length % (4 * itemsPerTurn) === 0) await setImmediate();
  }
  for (; a < one.length; a++) all.push(one[a]!);
  for (; b < other.length; b++) all.push(other[b]!);
  return all;
}

class Counting {
  readonly #peers: ListedPeers;
  readonly #kinds: Record<string, number> = {};
  readonly #publishers = new Map<string, number>();

  constructor(peers: ListedPeers) {
    this.#peers = peers;
  }

  add({ name, type, publishers }: ListedFacts): void {
    const kind = kindOfFile(name, type);
    this.#kinds[kind] = (this.#kinds[kind] ?? 0) + 1;
    for (const one of new Set(publishers)) this.#publishers.set(one, (this.#publishers.get(one) ?? 0) + 1);
  }

  get counts(): ListingCounts {
    const zones = new Map<string, number>();
    for (const [host, count] of this.#publishers) {
      const zone = this.#peers.zoneOf(host);
      if (zone !== null) zones.set(zone, (zones.get(zone) ?? 0) + count);
    }
    const most = (counts: ReadonlyMap<string, number>) => [...counts].sort((a, b) => b[1] - a[1]).slice(0, maxCounted);
    return {
      kinds: this.#kinds,
      publishers: most(this.#publishers).map(([id, count]) => ({ id, name: this.#peers.called(id), count })),
      zones: most(zones).map(([zone, count]) => ({ zone, count })),
    };
  }
}
