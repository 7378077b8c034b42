/** Batches announced by this host, so that after a restart they are only renewed. */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export interface OwnBatch {
  /** Creation time in milliseconds since 1970. */
  readonly number: number;
  /** The latest signed header. */
  readonly header: Uint8Array;
  /** Cells with entries, in order; null: all. */
  readonly cells: readonly number[] | null;
}

const cellBytes = 2;

export class OwnBatchTable {
  readonly #catalog: Catalog;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #all: StatementSync;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#put = catalog.database.prepare('INSERT OR REPLACE INTO own_batches (number, header, cells) VALUES (?, ?, ?)');
    this.#remove = catalog.database.prepare('DELETE FROM own_batches WHERE number = ?');
    this.#all = catalog.database.prepare('SELECT number, header, cells FROM own_batches ORDER BY number');
  }

  /** In order of creation. */
  all(): readonly OwnBatch[] {
    return this.#all.all().map(({ number, header, cells }) => ({
      number: Number(number),
      header: header as Uint8Array,
      cells: cells === null ? null : readCells(cells as Uint8Array),
    }));
  }

  put(batches: readonly OwnBatch[]): Promise<void> {
    return this.#catalog.write(() => {
      for (const { number, header, cells } of batches)
        this.#put.run(number, header, cells === null ? null : bytesOf(cells));
    });
  }

  remove(numbers: readonly number[]): Promise<void> {
    return this.#catalog.write(() => {
      for (const number of numbers) this.#remove.run(number);
    });
  }
}

function bytesOf(cells: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(cells.length * cellBytes);
  for (const [index, cell] of cells.entries()) bytes.writeUInt16BE(cell, index * cellBytes);
  return bytes;
}

function readCells(bytes: Uint8Array): readonly number[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: view.length / cellBytes }, (_, index) => view.readUInt16BE(index * cellBytes));
}
