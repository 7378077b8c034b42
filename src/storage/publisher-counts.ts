/**
 * How many records of each publisher lie here, so that none of them fills the catalogue (spec/4, Bounds). Triggers keep
 * the counts with every insertion and deletion, in the same transaction: counting anew at each start would read them all.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

/** Made with the tables; a catalogue from before is counted once. */
export const publisherSchema = `
  CREATE TABLE IF NOT EXISTS publishers (publisher TEXT PRIMARY KEY, records INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  DELETE FROM publishers;
  INSERT INTO publishers SELECT publisher, count(*) FROM records GROUP BY publisher;
  CREATE TRIGGER IF NOT EXISTS record_came AFTER INSERT ON records BEGIN
    INSERT INTO publishers VALUES (NEW.publisher, 1) ON CONFLICT DO UPDATE SET records = records + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS record_went AFTER DELETE ON records BEGIN
    UPDATE publishers SET records = records - 1 WHERE publisher = OLD.publisher;
    DELETE FROM publishers WHERE publisher = OLD.publisher AND records = 0;
  END;
`;

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
