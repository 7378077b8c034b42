/**
 * What each publisher takes of this host, so that none of them takes all (publisher-schema.ts): counts that are kept with
 * every change, since counting at each start would read everything. They are asked for with each thing that comes, so what was
 * read is remembered until the next change.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export interface Usage {
  /** Bytes that rows of the catalogue take: records, claims, entries of shares. */
  readonly rows: number;
  /** Bytes of the blocks that its puts claim. */
  readonly blocks: number;
  /** Of these, bytes of puts that are not known to be committed. */
  readonly uncommitted: number;
}

/** What came of a publisher. */
export type Came = Partial<Usage> & { readonly records?: number };

const nothing = { records: 0, rows: 0, blocks: 0, uncommitted: 0 };
/** Publishers remembered until the next change. */
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

  /** Inside the transaction of what came: records, puts and claims, which no trigger counts. */
  came(publisher: string, { records = 0, rows = 0, blocks = 0, uncommitted = 0 }: Came): void {
    this.#add.run(publisher, records, rows, blocks, uncommitted);
    this.#remembered.clear();
  }

  /** Records of the publisher here, of all kinds, tombstones included. */
  recordsOf(publisher: string): number {
    return this.#of(publisher).records;
  }

  usageOf(publisher: string): Usage {
    const { rows, blocks, uncommitted } = this.#of(publisher);
    return { rows, blocks, uncommitted };
  }

  /** Of all publishers together. */
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
