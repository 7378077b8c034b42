/** The pinned publisher per name: that of the first file fetched under it, or the one picked since. */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

/** Some 150 MB; beyond it the oldest is evicted. */
const maxPins = 1_000_000;

export class PinTable {
  readonly #catalog: Catalog;
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #count: StatementSync;
  readonly #forget: StatementSync;
  /** Not yet durable. */
  readonly #coming = new Map<string, string>();
  #pins: number;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#find = catalog.database.prepare('SELECT publisher FROM pins WHERE name = ?');
    this.#put = catalog.database.prepare(
      'INSERT INTO pins (name, publisher, pinned) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET publisher = excluded.publisher, pinned = excluded.pinned',
    );
    this.#count = catalog.database.prepare('SELECT count(*) AS count FROM pins');
    this.#forget = catalog.database.prepare(
      'DELETE FROM pins WHERE name IN (SELECT name FROM pins ORDER BY pinned LIMIT ?)',
    );
    this.#pins = Number(this.#count.get()?.['count']);
  }

  of(name: string): string | null {
    const coming = this.#coming.get(name);
    if (coming !== undefined) return coming;
    const row = this.#find.get(name);
    return row === undefined ? null : String(row['publisher']);
  }

  /** Durable when it resolves; visible through `of` at once. */
  async pin(name: string, publisher: string): Promise<void> {
    if (this.of(name) === publisher) return;
    this.#coming.set(name, publisher);
    try {
      await this.#catalog.write(() => {
        if (this.#find.get(name) === undefined) this.#pins += 1;
        this.#put.run(name, publisher, this.#catalog.wallTime());
        if (this.#pins <= maxPins) return;
        // Evicts several at a time, so that not every insertion scans the table.
        this.#forget.run(this.#pins - maxPins + maxPins / 100);
        this.#pins = Number(this.#count.get()?.['count']);
      });
    } finally {
      if (this.#coming.get(name) === publisher) this.#coming.delete(name);
    }
  }
}
