/** Codes that this peer keeps for their senders (src/codes), its own among them. */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export interface CodeRow {
  readonly publisher: string;
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class CodeTable {
  readonly #catalog: Catalog;
  readonly #read: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(catalog: Catalog) {
    const { database } = catalog;
    this.#catalog = catalog;
    this.#read = database.prepare('SELECT publisher, number, bytes FROM kept_codes');
    this.#put = database.prepare('INSERT OR REPLACE INTO kept_codes (publisher, number, bytes) VALUES (?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM kept_codes WHERE publisher = ? AND number = ?');
  }

  all(): readonly CodeRow[] {
    return this.#read.all().map(({ publisher, number, bytes }) => ({
      publisher: String(publisher),
      number: Number(number),
      bytes: Uint8Array.from(bytes as Uint8Array),
    }));
  }

  /** Durable when it resolves: what was counted must not be forgotten. */
  async put({ publisher, number, bytes }: CodeRow): Promise<void> {
    await this.#catalog.write(() => this.#put.run(publisher, number, bytes));
    await this.#catalog.durable();
  }

  async remove({ publisher, number }: Pick<CodeRow, 'publisher' | 'number'>): Promise<void> {
    await this.#catalog.write(() => this.#remove.run(publisher, number));
  }
}
