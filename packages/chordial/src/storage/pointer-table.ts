/**
 * Pointers of a full host to the hosts that hold its blocks instead. They survive a restart. A pointer is removed when
 * the block itself arrives (by a trigger, in the same transaction), or after a day without renewal: repair renews it.
 */
import type { StatementSync } from 'node:sqlite';
import type { Milliseconds } from '@chordial/ring';
import type { Catalog } from './catalog.ts';

/** Enough for 20 GB of blocks of 1 MiB; the oldest are evicted, and their blocks found by asking around. */
const maxPointers = 20_000;
/** Repair renews a pointer every minute or so. */
const untoldMilliseconds: Milliseconds = 24 * 3600 * 1000;
/** A renewal within this time is not written. */
const freshMilliseconds: Milliseconds = 3600 * 1000;

export interface Pointing {
  /** 64 hexadecimal digits. */
  readonly key: string;
  /** Id of the holder. */
  readonly holder: string;
}

export class PointerTable {
  readonly #catalog: Catalog;
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #forget: StatementSync;
  readonly #count: StatementSync;
  readonly #excess: StatementSync;
  readonly #held: StatementSync;

  constructor(catalog: Catalog) {
    const { database } = catalog;
    this.#catalog = catalog;
    this.#find = database.prepare('SELECT holder, told FROM pointers WHERE key = ?');
    this.#put = database.prepare('INSERT OR REPLACE INTO pointers (key, holder, told) VALUES (?, ?, ?)');
    this.#forget = database.prepare('DELETE FROM pointers WHERE told < ?');
    this.#count = database.prepare('SELECT count(*) AS count FROM pointers');
    this.#excess = database.prepare(
      'DELETE FROM pointers WHERE key IN (SELECT key FROM pointers ORDER BY told LIMIT ?)',
    );
    this.#held = database.prepare('SELECT 1 FROM blocks WHERE key = ?');
  }

  /** Id of the holder, or null. */
  holder(key: string): string | null {
    const row = this.#find.get(Buffer.from(key, 'hex'));
    if (row === undefined || Number(row['told']) + untoldMilliseconds < this.#catalog.wallTime()) return null;
    return String(row['holder']);
  }

  /** Durable when it resolves. Blocks present here get no pointer. */
  async put(pointings: readonly Pointing[]): Promise<void> {
    const now = this.#catalog.wallTime();
    const news = pointings.filter((pointing) => this.#isNews(pointing, now));
    if (news.length === 0) return;
    await this.#catalog.write(() => {
      for (const { key, holder } of news) {
        const at = Buffer.from(key, 'hex');
        if (this.#held.get(at) === undefined) this.#put.run(at, holder, now);
      }
      this.#forget.run(now - untoldMilliseconds);
      const excess = this.count() - maxPointers;
      if (excess > 0) this.#excess.run(excess);
    });
  }

  count(): number {
    return Number(this.#count.get()?.['count']);
  }

  #isNews({ key, holder }: Pointing, now: Milliseconds): boolean {
    const known = this.#find.get(Buffer.from(key, 'hex'));
    return known === undefined || known['holder'] !== holder || Number(known['told']) + freshMilliseconds < now;
  }
}
