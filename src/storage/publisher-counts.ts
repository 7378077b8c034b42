/**
 * What each publisher takes of this host, so that none of them takes all (publisher-schema.ts): counts that are kept with
 * every change, since counting at each start would read everything.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export interface Usage {
  /** Bytes that rows of the catalogue take: records, claims, entries of shares. */
  readonly rows: number;
  /** Bytes of the blocks that its puts claim. */
  readonly blocks: number;
  /** Of these, bytes of puts that are not known to be committed. */
  readonly uncommitted: number;
}

export class PublisherCounts {
  readonly #row: StatementSync;

  constructor({ database }: Catalog) {
    this.#row = database.prepare('SELECT records, rows, blocks, uncommitted FROM publishers WHERE publisher = ?');
  }

  /** Records of the publisher here, of all kinds, tombstones included. */
  recordsOf(publisher: string): number {
    return Number(this.#row.get(publisher)?.['records'] ?? 0);
  }

  usageOf(publisher: string): Usage {
    const row = this.#row.get(publisher);
    const number = (value: unknown): number => Number(value ?? 0);
    return { rows: number(row?.['rows']), blocks: number(row?.['blocks']), uncommitted: number(row?.['uncommitted']) };
  }

  /** Of all publishers together. */
  total(): Usage {
    return this.usageOf('');
  }
}
