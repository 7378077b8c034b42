/**
 * The index of shared folders: the files in them as of hashing, and the batch in which each is announced. The bytes
 * stay in the files; the inner nodes of larger files are stored here.
 *
 * The row of a deleted file stays until its entries are withdrawn, so that a peer that is killed in between continues
 * later.
 */
import type { Catalog } from './catalog.ts';
import { type Row, Statements, type Value } from './statements.ts';

export interface SharedFolder {
  readonly folder: number;
  /** Absolute, with links resolved at sharing. */
  readonly path: string;
  /** The share is a single file. */
  readonly isFile: boolean;
  /** Also shares files of other users and on other devices. */
  readonly others: boolean;
  /** Device and inode, which distinguish a folder from what is mounted over it. */
  readonly identity: string;
  /** No longer shared; its announcements are being withdrawn. */
  readonly ending: boolean;
}

/** Status of a file as seen without reading it. */
export interface FileLook {
  /** '' for the share itself, else ending in '/'. */
  readonly parent: string;
  readonly base: string;
  readonly size: number;
  readonly stamp: string;
}

/** The same as stored in the index. */
export interface KnownLook extends FileLook {
  readonly file: number;
  /** Milliseconds since 1970 when it was indexed. */
  readonly added: number;
}

export interface IndexedFile extends FileLook {
  readonly folder: number;
  /** `base` in NFC. */
  readonly name: string;
  /** Binary CID. */
  readonly root: Uint8Array;
  /** Hexadecimal; null while not computed. */
  readonly sha256: string | null;
  /** Of the leaves, 32 bytes each. */
  readonly leafDigests: Uint8Array;
  readonly nodes: readonly { readonly digest: Uint8Array; readonly bytes: Uint8Array }[];
}

export interface SharedFile extends FileLook {
  readonly file: number;
  readonly folder: number;
  readonly name: string;
  readonly root: Uint8Array;
  readonly sha256: string | null;
  /** Milliseconds since 1970 when it was indexed. */
  readonly added: number;
  readonly batch: number | null;
  /** An earlier batch that also has it, to be withdrawn. */
  readonly earlier: number | null;
}

export interface FileOfBatch {
  readonly file: number;
  /** Its entries have one. */
  readonly hasSha256: boolean;
}

/** Location of a shared file. */
export interface SharedPlace {
  readonly share: Pick<SharedFolder, 'path' | 'isFile' | 'others'>;
  readonly parent: string;
  readonly base: string;
}

/** Location of a block. */
export interface SharedBlock extends SharedPlace {
  readonly file: number;
  readonly folder: number;
  readonly size: number;
  readonly stamp: string;
  /** In MiB of the file. */
  readonly place: number;
  /** Of a node; null for a leaf. */
  readonly bytes: Uint8Array | null;
}

const digestBytes = 32;
/** Rows per transaction, so that other writes run in between. */
const blocksPerWrite = 2000;
/** Files with equal blocks that are tried in turn. */
const maxPlaces = 8;
const columns = 'file, folder, parent, base, name, size, stamp, root, sha256, added, batch, earlier';

export class SharedFileTable {
  readonly #catalog: Catalog;
  readonly #sql: Statements;
  readonly #totals = new Map<number, { files: number; bytes: number }>();
  #lastFile: number;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#sql = new Statements(catalog);
    // Blocks of a large file are written before its row: without a row they are orphans.
    this.#sql.run('DELETE FROM shared_blocks WHERE file NOT IN (SELECT file FROM shared_files)');
    this.#lastFile = Number(this.#sql.get('SELECT max(file) AS last FROM shared_files')?.['last'] ?? 0);
    const counted = this.#sql.all(
      'SELECT folder, count(*) AS files, sum(size) AS bytes FROM shared_files WHERE gone = 0 GROUP BY folder',
    );
    for (const row of counted)
      this.#totals.set(Number(row['folder']), { files: Number(row['files']), bytes: Number(row['bytes']) });
  }

  folders(): readonly SharedFolder[] {
    return this.#sql
      .all('SELECT folder, path, is_file, others, identity, ending FROM shared_folders ORDER BY path')
      .map((row) => ({
        folder: Number(row['folder']),
        path: String(row['path']),
        isFile: row['is_file'] === 1,
        others: row['others'] === 1,
        identity: String(row['identity']),
        ending: row['ending'] === 1,
      }));
  }

  addFolder(added: Pick<SharedFolder, 'path' | 'isFile' | 'others' | 'identity'>): Promise<void> {
    const { path, isFile, others, identity } = added;
    const sql = 'INSERT INTO shared_folders (path, is_file, others, identity) VALUES (?, ?, ?, ?)';
    return this.#catalog.write(() => void this.#sql.run(sql, path, isFile ? 1 : 0, others ? 1 : 0, identity));
  }

  setOthers(folder: number, others: boolean): Promise<void> {
    const sql = 'UPDATE shared_folders SET others = ? WHERE folder = ?';
    return this.#catalog.write(() => void this.#sql.run(sql, others ? 1 : 0, folder));
  }

  setIdentity(folder: number, identity: string): Promise<void> {
    const sql = 'UPDATE shared_folders SET identity = ? WHERE folder = ?';
    return this.#catalog.write(() => void this.#sql.run(sql, identity, folder));
  }

  /** Stops sharing a folder; its rows are removed when their entries are withdrawn. */
  endFolder(folder: number): Promise<void> {
    return this.#catalog.write(() => {
      this.#sql.run('UPDATE shared_folders SET ending = 1 WHERE folder = ?', folder);
      this.#sql.run('UPDATE shared_files SET gone = 1 WHERE folder = ?', folder);
      this.#totals.delete(folder);
    });
  }

  /** Removes ended folders that have no rows left. */
  forgetEnded(): Promise<void> {
    const sql =
      'DELETE FROM shared_folders WHERE ending = 1 AND folder NOT IN (SELECT folder FROM shared_files WHERE gone = 1)';
    return this.#catalog.write(() => void this.#sql.run(sql));
  }

  totals(folder: number): { readonly files: number; readonly bytes: number } {
    return this.#totals.get(folder) ?? { files: 0, bytes: 0 };
  }

  // FILES

  /** By name, after `after`. */
  inParent(folder: number, parent: string, after: string, limit: number): readonly KnownLook[] {
    const sql =
      'SELECT file, parent, base, size, stamp, added FROM shared_files WHERE gone = 0 AND folder = ? AND parent = ? AND base > ? ORDER BY base LIMIT ?';
    return this.#sql.all(sql, folder, parent, after, limit).map((row) => ({
      ...lookOf(row),
      file: Number(row['file']),
      added: Number(row['added']),
    }));
  }

  /** The number of a file, or null. */
  at(folder: number, parent: string, base: string): number | null {
    const sql = 'SELECT file FROM shared_files WHERE gone = 0 AND folder = ? AND parent = ? AND base = ?';
    const row = this.#sql.get(sql, folder, parent, base);
    return row === undefined ? null : Number(row['file']);
  }

  /** Folders that have files. */
  parents(folder: number): readonly string[] {
    const sql = 'SELECT DISTINCT parent FROM shared_files WHERE gone = 0 AND folder = ?';
    return this.#sql.all(sql, folder).map((row) => String(row['parent']));
  }

  /** Files of a folder and below it. */
  below(folder: number, parent: string): readonly number[] {
    const sql = 'SELECT file FROM shared_files WHERE gone = 0 AND folder = ?1 AND substr(parent, 1, length(?2)) = ?2';
    return this.#sql.all(sql, folder, parent).map((row) => Number(row['file']));
  }

  /** Durable when it resolves; replaces rows of the same paths unless the content is equal. */
  async put(files: readonly IndexedFile[]): Promise<void> {
    const changed = files.filter((file) => this.#same(file) === null);
    const numbered = changed.map((file) => ({ ...file, file: ++this.#lastFile }));
    for (const file of numbered) {
      const leaves = file.leafDigests.length / digestBytes;
      for (let from = 0; leaves > blocksPerWrite && from < leaves; from += blocksPerWrite)
        await this.#catalog.write(() => this.#putLeaves(file, from, Math.min(leaves, from + blocksPerWrite)));
    }
    await this.#catalog.write(() => {
      for (const file of numbered) this.#putFile(file);
      for (const file of files) {
        const same = this.#same(file);
        const sql = 'UPDATE shared_files SET stamp = ?, added = ? WHERE file = ?';
        if (same !== null) this.#sql.run(sql, file.stamp, this.#catalog.wallTime(), same);
      }
    });
  }

  /** Its bytes differ from the index although its status does not: the next scan treats it as changed. */
  distrust(file: number): Promise<void> {
    return this.#catalog.write(() => void this.#sql.run("UPDATE shared_files SET stamp = '' WHERE file = ?", file));
  }

  /** Deleted files: their bytes are not served, and their entries are to be withdrawn. */
  markGone(files: readonly number[]): Promise<void> {
    return this.#catalog.write(() => {
      for (const file of files) this.#leave(file);
    });
  }

  remove(files: readonly number[]): Promise<void> {
    return this.#catalog.write(() => {
      for (const file of files) {
        this.#sql.run('DELETE FROM shared_files WHERE file = ?', file);
        this.#sql.run('DELETE FROM shared_blocks WHERE file = ?', file);
      }
    });
  }

  setSha256(file: number, sha256: string): Promise<void> {
    const sql = 'UPDATE shared_files SET sha256 = ?, stale = 1 WHERE file = ?';
    return this.#catalog.write(() => void this.#sql.run(sql, sha256, file));
  }

  /** Current files from this number on, in order. */
  page(from: number, limit: number): readonly SharedFile[] {
    return this.#files('file >= ? AND gone = 0 ORDER BY file LIMIT ?', from, limit);
  }

  named(name: string, limit: number): readonly SharedFile[] {
    return this.#files('name = ? AND gone = 0 ORDER BY added DESC LIMIT ?', name, limit);
  }

  ofRoot(root: Uint8Array, limit: number): readonly SharedFile[] {
    return this.#files('root = ? AND gone = 0 LIMIT ?', root, limit);
  }

  /** Files whose SHA-256 requires reading the whole; in insertion order. */
  unhashed(after: number, limit: number): readonly SharedFile[] {
    return this.#files(
      'sha256 IS NULL AND file > ? AND gone = 0 AND batch IS NOT NULL ORDER BY file LIMIT ?',
      after,
      limit,
    );
  }

  /** Location of a file, or null when its share has ended. */
  placeOf({ folder, parent, base }: Pick<SharedFile, 'folder' | 'parent' | 'base'>): SharedPlace | null {
    const row = this.#sql.get('SELECT path, is_file, others FROM shared_folders WHERE folder = ?', folder);
    return row === undefined ? null : { share: shareOf(row), parent, base };
  }

  // ANNOUNCEMENTS

  /** In the order of their numbers, from behind `after`. */
  unannounced(after: number, limit: number): readonly SharedFile[] {
    return this.#files('batch IS NULL AND gone = 0 AND file > ? ORDER BY file LIMIT ?', after, limit);
  }

  countUnannounced(): number {
    return Number(
      this.#sql.get('SELECT count(*) AS count FROM shared_files WHERE batch IS NULL AND gone = 0')?.['count'],
    );
  }

  /** Number of current files of a share that are in a batch. */
  announcedIn(folder: number): number {
    const sql = 'SELECT count(*) AS count FROM shared_files WHERE folder = ? AND batch IS NULL AND gone = 0';
    return this.totals(folder).files - Number(this.#sql.get(sql, folder)?.['count']);
  }

  /** Announced with less than is known; in the same order. */
  stale(after: number, limit: number): readonly SharedFile[] {
    return this.#files('stale = 1 AND gone = 0 AND batch IS NOT NULL AND file > ? ORDER BY file LIMIT ?', after, limit);
  }

  gone(limit: number): readonly SharedFile[] {
    return this.#files('gone = 1 ORDER BY file LIMIT ?', limit);
  }

  moved(limit: number): readonly SharedFile[] {
    return this.#files('earlier IS NOT NULL AND gone = 0 ORDER BY file LIMIT ?', limit);
  }

  ofBatch(batch: number, after: number, limit: number): readonly SharedFile[] {
    return this.#files('batch = ? AND file > ? AND gone = 0 ORDER BY file LIMIT ?', batch, after, limit);
  }

  /** Batches that contain any file, deleted ones included. */
  batches(): ReadonlySet<number> {
    const rows = this.#sql.all(
      'SELECT DISTINCT batch FROM shared_files WHERE batch IS NOT NULL UNION SELECT earlier FROM shared_files WHERE earlier IS NOT NULL',
    );
    return new Set(rows.map((row) => Number(row['batch'])));
  }

  /**
   * Files that were in a batch that is still live are to be withdrawn from it. A SHA-256 that came while the file was
   * announced without one leaves it stale.
   */
  announced(files: readonly (FileOfBatch & { readonly batch: number })[]): Promise<void> {
    const sql = `UPDATE shared_files SET earlier = batch, batch = ?, stale = (sha256 IS NOT NULL AND NOT ?)
      WHERE file = ?`;
    return this.#catalog.write(() => {
      for (const { file, batch, hasSha256 } of files) this.#sql.run(sql, batch, hasSha256 ? 1 : 0, file);
    });
  }

  settled(files: readonly number[]): Promise<void> {
    return this.#catalog.write(() => {
      for (const file of files) this.#sql.run('UPDATE shared_files SET earlier = NULL WHERE file = ?', file);
    });
  }

  /** Files of these batches are no longer announced. */
  forgetBatches(batches: readonly number[]): Promise<void> {
    return this.#catalog.write(() => {
      for (const batch of batches) {
        this.#sql.run('UPDATE shared_files SET earlier = NULL WHERE earlier = ?', batch);
        this.#sql.run('UPDATE shared_files SET batch = NULL WHERE batch = ?', batch);
      }
    });
  }

  // BLOCKS

  /** Candidate locations of the block with this SHA-256. */
  blocks(digest: Uint8Array): readonly SharedBlock[] {
    const sql = `SELECT b.place, b.bytes, f.file, f.folder, f.parent, f.base, f.size, f.stamp, d.path, d.is_file, d.others
      FROM shared_blocks b JOIN shared_files f ON f.file = b.file JOIN shared_folders d ON d.folder = f.folder
      WHERE b.digest = ? AND f.gone = 0 LIMIT ?`;
    return this.#sql.all(sql, digest, maxPlaces).map((row) => ({
      file: Number(row['file']),
      size: Number(row['size']),
      stamp: String(row['stamp']),
      folder: Number(row['folder']),
      share: shareOf(row),
      parent: String(row['parent']),
      base: String(row['base']),
      place: Number(row['place']),
      bytes: row['bytes'] as Uint8Array | null,
    }));
  }

  /** The number of the row with the same content at the same path, or null. */
  #same({ folder, parent, base, size, root }: IndexedFile): number | null {
    const sql =
      'SELECT file FROM shared_files WHERE gone = 0 AND folder = ? AND parent = ? AND base = ? AND size = ? AND root = ?';
    const row = this.#sql.get(sql, folder, parent, base, size, root);
    return row === undefined ? null : Number(row['file']);
  }

  #putFile(file: IndexedFile & { readonly file: number }): void {
    const { folder, parent, base, name, size, stamp, root, sha256 } = file;
    // It may have been unshared while the file was hashed; blocks already written are then removed at the next opening.
    if (this.#sql.get('SELECT 1 FROM shared_folders WHERE folder = ? AND ending = 0', folder) === undefined) return;
    const before = this.at(folder, parent, base);
    if (before !== null) this.#leave(before);
    const leaves = file.leafDigests.length / digestBytes;
    if (leaves <= blocksPerWrite) this.#putLeaves(file, 0, leaves);
    const sql = 'INSERT OR IGNORE INTO shared_blocks (digest, file, place, bytes) VALUES (?, ?, -1, ?)';
    for (const { digest, bytes } of file.nodes) this.#sql.run(sql, digest, file.file, bytes);
    this.#sql.run(
      'INSERT INTO shared_files (file, folder, parent, base, name, size, stamp, root, sha256, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[file.file, folder, parent, base, name, size, stamp, root, sha256, this.#catalog.wallTime()],
    );
    const totals = this.totals(folder);
    this.#totals.set(folder, { files: totals.files + 1, bytes: totals.bytes + size });
  }

  #putLeaves({ file, leafDigests }: { file: number; leafDigests: Uint8Array }, from: number, to: number): void {
    const sql = 'INSERT OR IGNORE INTO shared_blocks (digest, file, place) VALUES (?, ?, ?)';
    for (let leaf = from; leaf < to; leaf++)
      this.#sql.run(sql, leafDigests.subarray(leaf * digestBytes, (leaf + 1) * digestBytes), file, leaf);
  }

  #leave(file: number): void {
    const row = this.#sql.get('SELECT folder, size FROM shared_files WHERE file = ? AND gone = 0', file);
    if (row === undefined) return;
    this.#sql.run('UPDATE shared_files SET gone = 1 WHERE file = ?', file);
    const folder = Number(row['folder']);
    const { files, bytes } = this.totals(folder);
    this.#totals.set(folder, { files: files - 1, bytes: bytes - Number(row['size']) });
  }

  #files(where: string, ...values: readonly Value[]): readonly SharedFile[] {
    return this.#sql.all(`SELECT ${columns} FROM shared_files WHERE ${where}`, ...values).map((row) => ({
      ...lookOf(row),
      file: Number(row['file']),
      folder: Number(row['folder']),
      name: String(row['name']),
      root: row['root'] as Uint8Array,
      sha256: row['sha256'] === null ? null : String(row['sha256']),
      added: Number(row['added']),
      batch: row['batch'] === null ? null : Number(row['batch']),
      earlier: row['earlier'] === null ? null : Number(row['earlier']),
    }));
  }
}

function lookOf(row: Row): FileLook {
  return {
    parent: String(row['parent']),
    base: String(row['base']),
    size: Number(row['size']),
    stamp: String(row['stamp']),
  };
}

function shareOf(row: Row): SharedPlace['share'] {
  return { path: String(row['path']), isFile: row['is_file'] === 1, others: row['others'] === 1 };
}
