/**
 * Bytes of small blocks, in the catalogue itself. A file would cost a small block nine disk operations on the thread
 * pool (measured: 0.7 ms of CPU for 10 kB); here bytes, row and claims are one change of one transaction, flushed
 * together with others. Larger blocks are files (block-files.ts).
 *
 * All methods are synchronous; those that write must run inside `Catalog.write`.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

/** Blocks up to this size are stored here: larger ones cost more through the log than as a file. */
export const maxSmallBytes = 32 * 1024;

/** Free pages of 4 KiB kept in the catalogue for reuse. */
const pagesKeptFree = 1024;
/** Pages returned to the disk in one step: each may have to be moved. */
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

  /** Returns its id. */
  add(bytes: Uint8Array): number {
    return Number(this.#insert.run(bytes).lastInsertRowid);
  }

  /** In a buffer owned by the caller; null when absent. */
  bytesOf(id: number): Uint8Array | null {
    const row = this.#bytes.get(id);
    return row === undefined ? null : (row['bytes'] as Uint8Array);
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  /** Free pages beyond those kept for reuse. */
  get pagesToGiveBack(): number {
    return Math.max(0, Number(this.#free.get()?.['freelist_count']) - pagesKeptFree);
  }

  /** Returns some of them to the disk. */
  giveBackPages(): void {
    this.#giveBack.all();
  }
}
