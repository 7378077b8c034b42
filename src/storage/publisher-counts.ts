/**
 * How many records of each publisher lie here, so that none of them fills the catalogue (spec/4, Bounds). Triggers keep
 * the counts with every insertion and deletion, in the same transaction: counting anew at each start would read them all.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export class PublisherCounts {
  readonly #records: StatementSync;

  constructor({ database }: Catalog) {
    this.#records = database.prepare('SELECT records FROM publishers WHERE publisher = ?');
  }

  /** Records of the publisher here, of all kinds, tombstones included. */
  recordsOf(publisher: string): number {
    return Number(this.#records.get(publisher)?.['records'] ?? 0);
  }
}
