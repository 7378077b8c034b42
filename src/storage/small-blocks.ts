/**
 * The bytes of small blocks, in the catalogue itself. A file of its own costs a small block nine trips to the disk and
 * the pool of threads (measured: 0.7 ms of CPU for 10 kB); here its bytes, its row and its claims are one change of one
 * transaction, flushed together with those of others. Larger blocks stay files (block-files.ts).
 *
 * All methods are synchronous; those that change something belong inside `Catalog.write`.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

/** Blocks up to this size are kept here: beyond, copying them through the log costs more than a file. */
export const maxSmallBytes = 32 * 1024;

/** Free pages of 4 KiB that stay with the catalogue for the next blocks. */
const pagesKeptFree = 1024;
/** Pages given back to the disk in one change: each may have to be moved. */
const pagesPerStep = 256;

export class SmallBlocks {
  readonly #insert: StatementSync;
  readonly #bytes: StatementSync;
  readonly #remove: StatementSync;
  readonly #free: StatementSync;
  readonly #giveBack: StatementSync;

  constructor({ database }: Catalog) {
    this.#insert = database.prepare('INSERT INTO small_blocks (bytes) VALUES (?)');
    this.#bytes = database.prepare('SELECT bytes FROM small_blocks WHERE id = ?');
    this.#remove = database.prepare('DELETE FROM small_blocks WHERE id = ?');
    this.#free = database.prepare('PRAGMA freelist_count');
    this.#giveBack = database.prepare(`PRAGMA incremental_vacuum(${pagesPerStep})`);
  }

  /** Its id from then on. */
  add(bytes: Uint8Array): number {
    return Number(this.#insert.run(bytes).lastInsertRowid);
  }

  /** In a buffer of the caller's own; null when there is none. */
  bytesOf(id: number): Uint8Array | null {
    const row = this.#bytes.get(id);
    return row === undefined ? null : (row['bytes'] as Uint8Array);
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  /** Pages that deletions left free, beyond those that stay for what comes next. */
  get pagesToGiveBack(): number {
    return Math.max(0, Number(this.#free.get()?.['freelist_count']) - pagesKeptFree);
  }

  /** Gives some of them back to the disk. */
  giveBackPages(): void {
    this.#giveBack.all();
  }
}
