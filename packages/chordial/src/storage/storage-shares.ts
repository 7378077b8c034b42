/**
 * How the quota is divided among publishers:
 * - rows of the catalogue (records, claims, entries of shares) have a sixteenth, and blocks the rest;
 * - one publisher has what its certificate says, else an eighth or eight times what it offers itself, whichever is
 * more;
 * - uncommitted puts of a publisher have a sixteenth, or as much as it offers itself.
 *
 * So a host that offers its share can store what fits, and a client that offers nothing gets an eighth. What a host
 * puts on itself is limited by its quota alone. Limits are checked before a write: concurrent messages may exceed them
 * slightly.
 */
import { ChordialError } from '../errors.ts';
import type { PublisherCounts } from './publisher-counts.ts';

const publisherPart = 1 / 8;
const uncommittedPart = 1 / 16;
const rowsPart = 1 / 16;
const timesGiven = 8;
/** Minimum for rows: names are needed even where blocks are few. */
export const minRowsBytes = 8 * 1024 * 1024;
/** Uncommitted claims on one block per owner. */
export const maxOpenClaims = 256;
/** Claims on one block in total. */
export const maxClaimsPerBlock = 16_384;
const maxGiversKnown = 16_384;

export interface StorageSharesOptions {
  readonly counts: Pick<PublisherCounts, 'usageOf' | 'total'>;
  readonly quotaBytes: number;
  /** Id of this host. */
  readonly self: string;
  /** The share of the quota in a publisher's certificate; null: the default. */
  readonly shareOf: (publisher: string) => number | null;
}

export class StorageShares {
  readonly #options: StorageSharesOptions;
  readonly #given = new Map<string, number>();
  /** Called when the rows of a publisher exceed half of its default share, so that its quota is known in time. */
  askAbout: ((owner: string) => void) | null = null;

  quotaBytes: number;

  constructor(options: StorageSharesOptions) {
    this.#options = options;
    this.quotaBytes = options.quotaBytes;
  }

  /** Records the quota that a host offers, in bytes. */
  gives(host: string, bytes: number): void {
    this.#given.delete(host);
    const [oldest] = this.#given.keys();
    if (oldest !== undefined && this.#given.size >= maxGiversKnown) this.#given.delete(oldest);
    this.#given.set(host, bytes);
  }

  /** Whether so many bytes fit only because of what the owner offers. */
  isTight(owner: string, bytes: number): boolean {
    const { self, shareOf } = this.#options;
    return owner !== self && shareOf(owner) === null && bytes > this.#roomGiving(owner, 0);
  }

  /** Bytes of blocks that puts of this owner may still use. */
  roomFor(owner: string): number {
    return this.#roomGiving(owner, this.#given.get(owner) ?? 0);
  }

  #roomGiving(owner: string, given: number): number {
    const { counts, self, shareOf } = this.#options;
    const { quotaBytes } = this;
    if (owner === self) return Number.POSITIVE_INFINITY;
    const { blocks, uncommitted } = counts.usageOf(owner);
    const share = shareOf(owner);
    const most = share === null ? Math.max(quotaBytes * publisherPart, timesGiven * given) : share * quotaBytes;
    const open = Math.max(quotaBytes * uncommittedPart, given);
    return Math.max(0, Math.min(most - blocks, open - uncommitted));
  }

  /** Bytes that a put of the owner may use, given the free bytes: leftovers of its earlier attempts are reused or deleted. */
  roomOf(owner: string, freeBytes: number): number {
    const { uncommitted } = this.#options.counts.usageOf(owner);
    return Math.min(freeBytes, this.roomFor(owner)) + uncommitted;
  }

  /** Throws `publisher-full`. */
  checkBlocks(owner: string, bytes: number): void {
    const room = this.roomFor(owner);
    if (bytes <= room) return;
    throw new ChordialError(
      'publisher-full',
      `${bytes} bytes of ${owner} do not fit: ${room} are left of what one publisher may have here. Remove some of its files, give more with --quota at its peer, or have an admin give it a larger share.`,
    );
  }

  /** For rows of the catalogue. Throws `publisher-full`, or `quota-full` when the total is exceeded. */
  checkRows(owner: string, bytes: number): void {
    const { counts, self, shareOf } = this.#options;
    const { quotaBytes } = this;
    if (owner === self) return;
    const all = Math.max(quotaBytes * rowsPart, minRowsBytes);
    const share = shareOf(owner);
    const given = timesGiven * (this.#given.get(owner) ?? 0) * rowsPart;
    const most = share === null ? Math.max(all * publisherPart, Math.min(given, all)) : share * all;
    const wanted = counts.usageOf(owner).rows + bytes;
    if (share === null && wanted > (all * publisherPart) / 2) this.askAbout?.(owner);
    if (wanted > most)
      throw new ChordialError(
        'publisher-full',
        `There are records and claims of ${owner} here for ${most} bytes, as many as are kept of one publisher. Remove some of its files first.`,
      );
    if (counts.total().rows + bytes > all)
      throw new ChordialError(
        'quota-full',
        `There are records and claims here for ${all} bytes, a sixteenth of the quota.`,
      );
  }

  /** Part of the quota reserved for rows, capped at their limit. */
  get rowBytes(): number {
    return Math.min(this.#options.counts.total().rows, this.quotaBytes * rowsPart);
  }
}
