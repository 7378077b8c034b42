/** Lists names: this peer's own from its table, those of all publishers by asking other hosts. */

import { setImmediate } from 'node:timers/promises';
import type { Clock, HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import type { NameEntry } from '../records/name-entry.ts';
import { byNameAndPublisher, type Names } from '../records/names.ts';
import type { FilePorts, PeerCalling } from './file-ports.ts';
import type { AlsoPut, FileEntry, FilePage, SortedFilePage } from './files.ts';
import { type ListedFacts, type ListedPeers, type Listing, type ListingWish, listed } from './listing-order.ts';
import { shownEntry } from './resolve.ts';
import { maxTriedAtOnce, type Seals } from './seals.ts';

/** Pages requested within this time come from one snapshot. */
const gatheringKeptMilliseconds = 3000;
const maxPage = 1000;
/** Lists that were sorted, for their next pages. */
const maxSortedKept = 4;
const sortedKeptMilliseconds = 30_000;
const ownPerTurn = 500;
/** Copies are counted of all that are sorted by them. */
const maxSortedByCopies = 10_000;
/** Others who put the same content, told with it. */
const maxAlso = 20;

/** Entries of one content, the newest first. */
type Row = readonly NameEntry[];

export interface SortedPage {
  readonly all: boolean;
  readonly skip: number;
  readonly limit: number;
  /** Of the first block of each. */
  readonly copiesOf: (cids: readonly CID[]) => Promise<readonly number[]>;
}

export class FileListing {
  readonly #names: Names;
  readonly #clock: Clock;
  readonly #peerNames: PeerCalling;
  readonly #seals: Seals;
  /** Names of sealed files, being asked of all hosts, and then again. */
  #asking: Promise<readonly NameEntry[]> | null = null;
  #askingNext: Promise<readonly NameEntry[]> | null = null;
  readonly #sorted = new Map<string, { readonly at: number; readonly listing: Promise<Listing<Row>> }>();
  #gathered: { readonly at: number; readonly names: Promise<readonly NameEntry[]> } | null = null;

  constructor({ names, data, peerNames, seals }: Pick<FilePorts, 'names' | 'data' | 'peerNames' | 'seals'>) {
    this.#seals = seals;
    this.#names = names;
    this.#clock = data.clock;
    this.#peerNames = peerNames;
  }

  /**
   * Sorted and filtered, from a place on; the same list for half a minute. Of all peers' files one for each content, with
   * the others who put it. Throws `bad-request` when too many are to be sorted by copies.
   */
  async sorted(
    { all, skip, limit, copiesOf }: SortedPage,
    wish: ListingWish,
    peers: ListedPeers,
  ): Promise<SortedFilePage> {
    const key = JSON.stringify([all, wish]);
    const now = this.#clock.now();
    for (const [one, { at }] of this.#sorted) if (now - at > sortedKeptMilliseconds) this.#sorted.delete(one);
    let kept = this.#sorted.get(key);
    if (kept === undefined || skip === 0) {
      const asked = all ? this.#everybody(true).then(byContent) : this.#own().then((own) => own.map((one) => [one]));
      kept = { at: now, listing: asked.then((rows) => listedRows(rows, wish, { peers, copiesOf })) };
      this.#sorted.delete(key);
      this.#sorted.set(key, kept);
      const [oldest] = this.#sorted.keys();
      if (this.#sorted.size > maxSortedKept && oldest !== undefined) this.#sorted.delete(oldest);
    }
    const { items, counts } = await kept.listing;
    const rows = items.slice(skip, skip + Math.min(limit, maxPage));
    const files = await this.#shown(
      rows.map(([first]) => first!),
      () => 0,
    );
    return {
      files: files.map((file, place) => ({ ...file, also: this.#also(rows[place]!) })),
      total: items.length,
      counts,
    };
  }

  #also([, ...others]: Row): readonly AlsoPut[] {
    return others.slice(0, maxAlso).map(({ name, publisher }) => {
      return { name, publisher, publisherName: this.#peerNames.shown(publisher as HostId) };
    });
  }

  async #own(): Promise<readonly NameEntry[]> {
    const all: NameEntry[] = [];
    let cursor: string | null = null;
    do {
      if (cursor !== null) await setImmediate();
      const page: { names: readonly NameEntry[]; cursor: string | null } = this.#names.listOwn(cursor, ownPerTurn);
      all.push(...page.names);
      cursor = page.cursor;
    } while (cursor !== null);
    return all;
  }

  async page({ all, cursor, limit }: { all: boolean; cursor: string | null; limit: number }): Promise<FilePage> {
    const most = Math.max(1, Math.min(limit, maxPage));
    if (!all) {
      const page = this.#names.listOwn(cursor, most);
      return { files: await this.#shown(page.names, () => 0), cursor: page.cursor };
    }
    const everybody = await this.#everybody(cursor === null);
    const start = cursor === null ? 0 : startAfter(everybody, cursor);
    const page = everybody.slice(start, start + most);
    const publishers = new Map<string, number>();
    for (const { name } of everybody) publishers.set(name, (publishers.get(name) ?? 0) + 1);
    const last = page.at(-1);
    return {
      files: await this.#shown(page, ({ name }) => (publishers.get(name) ?? 1) - 1),
      cursor: last !== undefined && start + most < everybody.length ? encodeCursor(last) : null,
    };
  }

  #shown(entries: readonly NameEntry[], others: (entry: NameEntry) => number): Promise<readonly FileEntry[]> {
    return Promise.all(
      entries.map((entry) => this.#seals.shown(shownEntry(entry, others(entry), this.#peerNames), entry)),
    );
  }

  /**
   * Sealed entries of others with this name that a key here opens; `publisher` decides whose. Those tried are bounded,
   * and what is known of one is kept.
   */
  async sealedAs(name: string, isMeant: (publisher: string) => boolean): Promise<readonly NameEntry[]> {
    const entries = (await this.#sealed()).filter(({ publisher }) => isMeant(publisher));
    const byPublisher = [...Map.groupBy(entries, ({ publisher }) => publisher).values()];
    const most = Math.ceil(maxTriedAtOnce / Math.max(1, byPublisher.length));
    const found: NameEntry[] = [];
    for (const entry of byPublisher.flatMap((some) => some.slice(0, most)))
      if ((await this.#seals.facts(entry))?.name === name) found.push(entry);
    return found;
  }

  /** Those who ask while hosts are being asked share the answers to the next question. */
  #sealed(): Promise<readonly NameEntry[]> {
    if (this.#asking === null) return this.#ask();
    this.#askingNext ??= this.#asking
      .catch(() => [])
      .then(() => {
        this.#askingNext = null;
        return this.#ask();
      });
    return this.#askingNext;
  }

  #ask(): Promise<readonly NameEntry[]> {
    const asking = this.#names.gatherSealed().finally(() => {
      if (this.#asking === asking) this.#asking = null;
    });
    this.#asking = asking;
    return asking;
  }

  /** A new listing takes a fresh snapshot; a continued one keeps its own. */
  #everybody(begins: boolean): Promise<readonly NameEntry[]> {
    const now = this.#clock.now();
    const known = this.#gathered;
    if (!begins && known !== null && now - known.at < gatheringKeptMilliseconds) return known.names;
    const names = this.#names.gatherAll();
    this.#gathered = { at: now, names };
    this.#clock.after(gatheringKeptMilliseconds, () => {
      if (this.#gathered?.names === names) this.#gathered = null;
    });
    return names;
  }
}

/** In one row what has the same content; empty and sealed files are told apart by their entries. */
function byContent(entries: readonly NameEntry[]): readonly Row[] {
  const rows = new Map<string, NameEntry[]>();
  for (const entry of entries) {
    const { cid, name, publisher, size, sealed } = entry;
    const key = size === 0 || sealed ? `${cid} ${publisher} ${name}` : cid.toString();
    const row = rows.get(key);
    if (row === undefined) rows.set(key, [entry]);
    else row.push(entry);
  }
  for (const row of rows.values()) if (row.length > 1) row.sort((a, b) => b.time - a.time);
  return [...rows.values()];
}

async function listedRows(
  rows: readonly Row[],
  wish: ListingWish,
  { peers, copiesOf }: { readonly peers: ListedPeers } & Pick<SortedPage, 'copiesOf'>,
): Promise<Listing<Row>> {
  if (wish.sort !== 'copies') return listed(rows, factsOf, wish, peers);
  const { items, counts } = await listed(rows, factsOf, { ...wish, sort: undefined }, peers);
  if (items.length > maxSortedByCopies)
    throw new ChordialError(
      'bad-request',
      `Copies are counted by asking, of at most ${maxSortedByCopies} files, and these are ${items.length}. Narrow the list, or sort by name, size or date.`,
    );
  const copies = await copiesOf(items.map(([first]) => first!.cid));
  const byRow = new Map(items.map((row, place): [Row, number] => [row, copies[place] ?? 0]));
  const sorted = await listed(items, (row) => ({ ...factsOf(row), copies: byRow.get(row) ?? 0 }), wish, peers);
  return { items: sorted.items, counts };
}

function factsOf(row: Row): ListedFacts {
  const { name, type, size, time } = row[0]!;
  return { name, type, size, time, copies: null, publishers: row.map(({ publisher }) => publisher) };
}

function encodeCursor({ name, publisher, sequence }: NameEntry): string {
  return Buffer.from(JSON.stringify([name, publisher, sequence])).toString('base64url');
}

/** Start of the page after the cursor, even when its entry is gone. */
function startAfter(entries: readonly NameEntry[], cursor: string): number {
  const [name, publisher, sequence] = decodeCursor(cursor);
  const last = { name, publisher, sequence } as NameEntry;
  const index = entries.findIndex((entry) => byNameAndPublisher(entry, last) > 0);
  return index === -1 ? entries.length : index;
}

function decodeCursor(cursor: string): [string, string, number] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(value) &&
      typeof value[0] === 'string' &&
      typeof value[1] === 'string' &&
      typeof value[2] === 'number'
    ) {
      return [value[0], value[1], value[2]];
    }
  } catch (cause) {
    throw badCursor(cause);
  }
  throw badCursor();
}

function badCursor(cause?: unknown): ChordialError {
  return new ChordialError('bad-request', 'The cursor is not from a listing. Start again without it.', { cause });
}
