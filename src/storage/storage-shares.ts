/**
 * Whose bytes may lie here: everything has an owner and a bound. The quota is everybody's; of it
 * - rows of the catalogue (records, claims, entries of shares) have a sixteenth, and blocks the rest;
 * - one publisher has what its certificate says, else an eighth or eight times what it gives itself, whichever is more;
 * - of puts that are not committed a publisher has a sixteenth, or as much as it gives itself.
 *
 * So a host that gives what others give puts what fits, and a client that gives nothing takes an eighth. What a host puts on itself is
 * bounded by its quota alone. Bounds are looked at before a write: what arrives at one moment may pass them by some messages.
 */
import { ChordialError } from '../errors.ts';
import type { PublisherCounts } from './publisher-counts.ts';

const publisherPart = 1 / 8;
const uncommittedPart = 1 / 16;
const rowsPart = 1 / 16;
const timesGiven = 8;
/** Rows have so much at least: names are needed where blocks are few. */
export const minRowsBytes = 8 * 1024 * 1024;
/** Claims on one block of puts of one owner that are not committed. */
export const maxOpenClaims = 256;
/** Claims on one block, of everybody. */
export const maxClaimsPerBlock = 16_384;
const maxGiversKnown = 16_384;

export interface StorageSharesOptions {
  readonly counts: PublisherCounts;
  readonly quotaBytes: number;
  /** This host. */
  readonly self: string;
  /** The part of the quota that a publisher's certificate gives it; null: the default. */
  readonly shareOf: (publisher: string) => number | null;
}

export class StorageShares {
  readonly #options: StorageSharesOptions;
  readonly #given = new Map<string, number>();
  /** Called when the rows of a publisher exceed half of its default share, so that its quota is known in time. */
  askAbout: ((owner: string) => void) | null = null;

  constructor(options: StorageSharesOptions) {
    this.#options = options;
  }

  /** What a host says that it gives to everybody: its quota, in bytes. */
  gives(host: string, bytes: number): void {
    this.#given.delete(host);
    const [oldest] = this.#given.keys();
    if (oldest !== undefined && this.#given.size >= maxGiversKnown) this.#given.delete(oldest);
    this.#given.set(host, bytes);
  }

  /** Whether so many bytes fit only by what the owner gives. */
  isTight(owner: string, bytes: number): boolean {
    const { self, shareOf } = this.#options;
    return owner !== self && shareOf(owner) === null && bytes > this.#roomGiving(owner, 0);
  }

  /** Bytes of blocks that may come of puts of this owner. */
  roomFor(owner: string): number {
    return this.#roomGiving(owner, this.#given.get(owner) ?? 0);
  }

  #roomGiving(owner: string, given: number): number {
    const { counts, quotaBytes, self, shareOf } = this.#options;
    if (owner === self) return Number.POSITIVE_INFINITY;
    const { blocks, uncommitted } = counts.usageOf(owner);
    const share = shareOf(owner);
    const most = share === null ? Math.max(quotaBytes * publisherPart, timesGiven * given) : share * quotaBytes;
    const open = Math.max(quotaBytes * uncommittedPart, given);
    return Math.max(0, Math.min(most - blocks, open - uncommitted));
  }

  /** What a put of the owner may count on where so many bytes are free: what earlier attempts left uncommitted serves it or goes. */
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

  /** Of rows of the catalogue. Throws `publisher-full`, or `quota-full` when those of all are too many. */
  checkRows(owner: string, bytes: number): void {
    const { counts, quotaBytes, self, shareOf } = this.#options;
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

  /** What rows take of the quota: never more than is theirs. */
  get rowBytes(): number {
    const { counts, quotaBytes } = this.#options;
    return Math.min(counts.total().rows, quotaBytes * rowsPart);
  }
}
