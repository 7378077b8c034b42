/**
 * Members of the network, its log of changes and the invites of this peer in the catalogue, in the order learned. A power failure can lose the
 * last ones, which other members then send again.
 */
import type { StatementSync } from 'node:sqlite';
import type { Catalog } from './catalog.ts';

export type MemberPaper = 'admission' | 'link' | 'ticket';

export class MemberTable {
  readonly #catalog: Catalog;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #remove: StatementSync;
  readonly #seen: StatementSync;
  readonly #saw: StatementSync;

  constructor(catalog: Catalog) {
    const { database } = catalog;
    database.exec(`
      CREATE TABLE IF NOT EXISTS member_papers (
        kind TEXT NOT NULL, id TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (kind, id)
      ) WITHOUT ROWID, STRICT;
      CREATE TABLE IF NOT EXISTS seen_hosts (
        host TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL
      ) WITHOUT ROWID, STRICT;
    `);
    this.#catalog = catalog;
    this.#read = database.prepare('SELECT bytes FROM member_papers WHERE kind = ?');
    this.#write = database.prepare('INSERT OR REPLACE INTO member_papers (kind, id, bytes) VALUES (?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM member_papers WHERE kind = ? AND id = ?');
    this.#seen = database.prepare('SELECT host, first, last FROM seen_hosts');
    this.#saw = database.prepare('INSERT OR REPLACE INTO seen_hosts (host, first, last) VALUES (?, ?, ?)');
  }

  read(kind: MemberPaper): readonly Uint8Array[] {
    return this.#read.all(kind).map(({ bytes }) => Uint8Array.from(bytes as Uint8Array));
  }

  /** The catalogue reports failed writes where they matter; the document is learned again after the next start. */
  write(kind: MemberPaper, id: string, bytes: Uint8Array): void {
    this.#catalog.write(() => this.#write.run(kind, id, bytes)).catch(() => undefined);
  }

  remove(kind: MemberPaper, id: string): void {
    this.#catalog.write(() => this.#remove.run(kind, id)).catch(() => undefined);
  }

  /** Milliseconds since 1970. */
  seen(): readonly { readonly host: string; readonly first: number; readonly last: number }[] {
    return this.#seen
      .all()
      .map(({ host, first, last }) => ({ host: String(host), first: Number(first), last: Number(last) }));
  }

  saw(host: string, first: number, last: number): void {
    this.#catalog.write(() => this.#saw.run(host, first, last)).catch(() => undefined);
  }
}
