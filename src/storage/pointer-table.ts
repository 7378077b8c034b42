/**
 * Pointers of a host without room: which other host has the block that would lie here. They outlive a restart. A pointer
 * ends when the block itself arrives (by a trigger, in the same transaction), or when no one has told it for a day:
 * the host that moves the block around this host tells it again.
 */
import type { StatementSync } from 'node:sqlite';
import type { Milliseconds } from '../ring/ports.ts';
import type { Catalog } from './catalog.ts';

/** 20 GB of blocks of 1 MiB each have a pointer here; those told longest ago give way, and are found by asking around. */
const maxPointers = 20_000;
/** Rounds of repair tell a pointer again every minute or so. */
const untoldMilliseconds: Milliseconds = 24 * 3600 * 1000;
/** One told again sooner is not written again. */
const freshMilliseconds: Milliseconds = 3600 * 1000;

export interface Pointing {
  /** 64 hexadecimal digits. */
  readonly key: string;
  /** Id of the host that has the block. */
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

  /** The id of the host that has the block, or null. */
  holder(key: string): string | null {
    const row = this.#find.get(Buffer.from(key, 'hex'));
    if (row === undefined || Number(row['told']) + untoldMilliseconds < this.#catalog.wallTime()) return null;
    return String(row['holder']);
  }

  /** Durable when it resolves. What lies here itself gets no pointer. */
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
