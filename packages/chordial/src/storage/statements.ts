/** Prepared statements of a catalogue by their text, for tables with many of them. */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export type Value = string | number | null | Uint8Array;
export type Row = Readonly<Record<string, unknown>>;

export class Statements {
  readonly #database: Catalog['database'];
  readonly #prepared = new Map<string, StatementSync>();

  constructor({ database }: Pick<Catalog, 'database'>) {
    this.#database = database;
  }

  all(sql: string, ...values: readonly Value[]): readonly Row[] {
    return this.#of(sql).all(...values) as Row[];
  }

  get(sql: string, ...values: readonly Value[]): Row | undefined {
    return this.#of(sql).get(...values) as Row | undefined;
  }

  /** Returns the number of rows that changed. */
  run(sql: string, ...values: readonly Value[]): number {
    return Number(this.#of(sql).run(...values).changes);
  }

  #of(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#prepared.set(sql, made);
    return made;
  }
}
