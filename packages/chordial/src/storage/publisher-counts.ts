/**
 * Usage of this host per publisher, which limits each of them (schema.ts). Updated with every change, since
 * counting at start would read everything; read for every write, so cached until the next change.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export interface Usage {
  /** Bytes of catalogue rows: records, claims, entries of shares. */
  readonly rows: number;
  /** Bytes of blocks claimed by its puts. */
  readonly blocks: number;
  /** Of these, bytes of uncommitted puts. */
  readonly uncommitted: number;
}

/** An addition by a publisher. */
export type Came = Partial<Usage> & { readonly records?: number };

const nothing = { records: 0, rows: 0, blocks: 0, uncommitted: 0 };
/** Publishers cached until the next change. */
const maxRemembered = 1024;

export class PublisherCounts {
  readonly #catalog: Pick<Catalog, 'changes'>;
  readonly #row: StatementSync;
  readonly #add: StatementSync;
  readonly #remembered = new Map<string, Usage & { readonly records: number }>();
  #rememberedAt = -1;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#row = catalog.database.prepare(
      'SELECT records, rows, blocks, uncommitted FROM publishers WHERE publisher = ?',
    );
    this.#add = catalog.database.prepare(`INSERT INTO publishers (publisher, records, rows, blocks, uncommitted)
      VALUES (?1, ?2, ?3, ?4, ?5), ('', ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET records = records + excluded.records,
      rows = rows + excluded.rows, blocks = blocks + excluded.blocks, uncommitted = uncommitted + excluded.uncommitted`);
  }

  /** Inside the transaction of the addition: records, puts, claims and leaves have no trigger. */
  came(publisher: string, { records = 0, rows = 0, blocks = 0, uncommitted = 0 }: Came): void {
    this.#add.run(publisher, records, rows, blocks, uncommitted);
    this.#remembered.clear();
  }

  /** Number of the publisher's records of all kinds, tombstones included. */
  recordsOf(publisher: string): number {
    return this.#of(publisher).records;
  }

  usageOf(publisher: string): Usage {
    const { rows, blocks, uncommitted } = this.#of(publisher);
    return { rows, blocks, uncommitted };
  }

  /** Sum over all publishers. */
  total(): Usage {
    return this.usageOf('');
  }

  #of(publisher: string): Usage & { readonly records: number } {
    if (this.#rememberedAt !== this.#catalog.changes || this.#remembered.size >= maxRemembered)
      this.#remembered.clear();
    this.#rememberedAt = this.#catalog.changes;
    const known = this.#remembered.get(publisher);
    if (known !== undefined) return known;
    const row = this.#row.get(publisher) ?? nothing;
    const [records, rows, blocks, uncommitted] = [row['records'], row['rows'], row['blocks'], row['uncommitted']].map(
      Number,
    );
    const usage = { records: records!, rows: rows!, blocks: blocks!, uncommitted: uncommitted! };
    this.#remembered.set(publisher, usage);
    return usage;
  }
}
