/**
 * Own folders that change (src/folders): their trees as they are here, the puts that keep their content, and earlier
 * roots. The network has what was published last; what is dirty here is not published yet.
 */
import type { Catalog } from './catalog.ts';
import { type Row, Statements } from './statements.ts';

export interface FolderNode {
  readonly node: number;
  /** The folder that it is in; 0 for an own folder itself. */
  readonly parent: number;
  readonly base: string;
  readonly isFolder: boolean;
  /** Binary CID; of a folder as it was built last, null before. */
  readonly cid: Uint8Array | null;
  /** Bytes of a file, or of all files below a folder as it was built last. */
  readonly size: number;
  /** Bytes of its blocks (Tsize). */
  readonly stored: number;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
  readonly executable: boolean;
  /** The put that keeps its blocks; null of a folder that was never built. */
  readonly part: number | null;
  /** Changes in a folder or below it since it was built; 0 for a file. */
  readonly changes: number;
  /** Of the drive: what clients keep with it, as JSON; null for none. */
  readonly properties: string | null;
}

export type PlacedFile = Pick<FolderNode, 'size' | 'stored' | 'modified' | 'executable'> & {
  readonly cid: Uint8Array;
  readonly part: number;
};

/** A published root. Parts of its time are kept with it. */
export interface FolderVersion {
  /** Milliseconds since 1970 when it was published. */
  readonly time: number;
  /** When building it began. */
  readonly began: number;
  readonly cid: Uint8Array;
  readonly size: number;
  /** Binary CID of the list of times of its files; null where there is none. */
  readonly attributes: Uint8Array | null;
}

/** An own entry whose content is now in the tree of a name, or is replaced by it: it ends when that is published. */
export interface LeftName {
  readonly from: string;
  readonly to: string;
  /** Of the entry; what is put under its name later stays. */
  readonly sequence: number;
}

/** A part that is in no tree any more, and since when. */
export interface LeftPart {
  readonly left: number;
  readonly part: number;
}

const leftPrefix = 'folder-left/';

/** Parent of what was removed and is not cleaned up yet. */
const removed = -1;
/** Parent of a tree that is being taken over. */
const coming = -2;
/** Of one folder. SQLite uses an index of some rows, as those of `parent` are, only where its condition is written out. */
const placed = 'parent = ? AND parent >= 0';
const columns = 'node, parent, base, is_folder, cid, size, stored, modified, executable, part, changes, properties';
/** A tree this deep is a loop in a damaged table. */
const maxDepth = 256;

type FolderCatalog = Pick<Catalog, 'database' | 'write' | 'wallTime' | 'setting' | 'settings' | 'putSetting'>;

export class FolderTable {
  readonly #catalog: FolderCatalog;
  readonly #sql: Statements;

  constructor(catalog: FolderCatalog) {
    this.#catalog = catalog;
    this.#sql = new Statements(catalog);
  }

  // NODES

  /** An own folder that was opened for changes. */
  top(name: string): FolderNode | null {
    return this.child(0, name);
  }

  tops(): readonly FolderNode[] {
    return this.#sql
      .all(`SELECT ${columns} FROM folder_nodes WHERE parent = 0 AND parent >= 0 ORDER BY base`)
      .map(nodeOf);
  }

  child(parent: number, base: string): FolderNode | null {
    const row = this.#sql.get(`SELECT ${columns} FROM folder_nodes WHERE ${placed} AND base = ?`, parent, base);
    return row === undefined ? null : nodeOf(row);
  }

  node(node: number): FolderNode | null {
    const row = this.#sql.get(`SELECT ${columns} FROM folder_nodes WHERE node = ?`, node);
    return row === undefined ? null : nodeOf(row);
  }

  /** By name, behind `after`. */
  children(parent: number, after: string, limit: number): readonly FolderNode[] {
    const sql = `SELECT ${columns} FROM folder_nodes WHERE ${placed} AND base > ? ORDER BY base LIMIT ?`;
    return this.#sql.all(sql, parent, after, limit).map(nodeOf);
  }

  /** Folders in this one with changes in them or below. */
  changedIn(parent: number): readonly FolderNode[] {
    const sql = `SELECT ${columns} FROM folder_nodes WHERE ${placed} AND is_folder = 1 AND changes > 0`;
    return this.#sql.all(sql, parent).map(nodeOf);
  }

  /** Levels of folders in this one, itself included; not counted further than `most`. */
  heightOf(folder: number, most: number): number {
    const sql = `WITH RECURSIVE below (node, depth) AS (SELECT ?, 1 UNION ALL
      SELECT folder_nodes.node, depth + 1 FROM below CROSS JOIN folder_nodes ON parent = below.node
      WHERE is_folder = 1 AND depth < ?) SELECT max(depth) AS height FROM below`;
    return Number(this.#sql.get(sql, folder, most)?.['height']);
  }

  /** Whether a node is the other or below it. */
  isWithin(node: number, other: number): boolean {
    for (let [at, depth] = [node, 0]; at > 0 && depth < maxDepth; depth++) {
      if (at === other) return true;
      at = this.node(at)?.parent ?? removed;
    }
    return false;
  }

  /** Whether it is still in an own folder. */
  isThere(node: number): boolean {
    for (let [at, depth] = [node, 0]; depth < maxDepth; depth++) {
      if (at === 0) return true;
      if (at < 0) return false;
      at = this.node(at)?.parent ?? removed;
    }
    return false;
  }

  depthOf(node: number): number {
    let depth = 0;
    for (let at = node; at > 0 && depth < maxDepth; depth++) at = this.node(at)?.parent ?? removed;
    return depth;
  }

  /** Adds an empty folder; `parent` 0 for an own folder. Inside a write. */
  addFolder(parent: number, base: string, now: number): number {
    const sql = `INSERT INTO folder_nodes (parent, base, is_folder, size, stored, modified, executable, changes)
      VALUES (?, ?, 1, 0, 0, ?, 0, 1) RETURNING node`;
    const node = Number(this.#sql.get(sql, parent, base, now)?.['node']);
    if (parent > 0) this.touch(parent);
    return node;
  }

  /** Adds a file or replaces the one there. Inside a write. */
  placeFile(parent: number, base: string, file: PlacedFile): void {
    const before = this.child(parent, base);
    if (before !== null) this.detach(before.node);
    const properties = before === null || before.isFolder ? null : before.properties;
    this.addNode({ ...file, parent, base, isFolder: false, changes: 0, properties });
    this.touch(parent);
  }

  /** Without counting as a change: for copies and what is taken over from a published tree. Inside a write. */
  addNode(node: Omit<FolderNode, 'node'>): number {
    const { parent, base, isFolder, cid, size, stored, modified, executable, part, changes, properties } = node;
    const sql = `INSERT INTO folder_nodes
      (parent, base, is_folder, cid, size, stored, modified, executable, part, changes, properties)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING node`;
    const [folder, mode] = [isFolder ? 1 : 0, executable ? 1 : 0];
    const values = [parent, base, folder, cid, size, stored, modified, mode, part, changes, properties];
    return Number(this.#sql.get(sql, ...values)?.['node']);
  }

  /** The folder itself of a tree that is being taken over, in no place yet. Inside a write. */
  addComing(node: Omit<FolderNode, 'node' | 'parent'>): number {
    return this.addNode({ ...node, parent: coming });
  }

  /** No change of content. Inside a write. */
  setProperties(node: number, properties: string | null): void {
    this.#sql.run('UPDATE folder_nodes SET properties = ? WHERE node = ?', properties, node);
  }

  /** Bytes of all files below a folder that was taken over. Inside a write. */
  setSize(node: number, size: number): void {
    this.#sql.run('UPDATE folder_nodes SET size = ? WHERE node = ?', size, node);
  }

  /** An own folder that has another name keeps its versions, beside those of what had the name before. Inside a write. */
  moveVersions(from: string, to: string): void {
    this.#sql.run('UPDATE OR REPLACE folder_versions SET folder = ? WHERE folder = ?', to, from);
  }

  /** Inside a write. */
  leave(left: LeftName): void {
    this.#catalog.putSetting(leftPrefix + left.from, left);
  }

  left(from: string): LeftName | null {
    return readLeft(this.#catalog.setting(leftPrefix + from));
  }

  allLeft(): readonly LeftName[] {
    return this.#catalog.settings(leftPrefix).flatMap(({ value }) => readLeft(value) ?? []);
  }

  /** Unless it has left once more since. */
  leftEnded({ from, sequence }: LeftName): Promise<void> {
    return this.#catalog.write(() => {
      if (this.left(from)?.sequence === sequence) this.#catalog.putSetting(leftPrefix + from, undefined);
    });
  }

  /** Takes a file, or a folder with all below, out of its folder at once; `sweep` cleans up. Inside a write. */
  detach(node: number): void {
    const before = this.node(node);
    this.#sql.run('UPDATE folder_nodes SET parent = ? WHERE node = ?', removed, node);
    if (before !== null && before.parent > 0) this.touch(before.parent);
  }

  /** Inside a write; nothing may be in the new place. */
  move(node: number, parent: number, base: string): void {
    const before = this.node(node);
    this.#sql.run('UPDATE folder_nodes SET parent = ?, base = ? WHERE node = ?', parent, base, node);
    if (before !== null && before.parent > 0) this.touch(before.parent);
    if (parent > 0) this.touch(parent);
  }

  /** Something changed in this folder. Inside a write. */
  touch(folder: number): void {
    for (let [at, depth] = [folder, 0]; at > 0 && depth < maxDepth; depth++) {
      this.#sql.run('UPDATE folder_nodes SET changes = changes + 1 WHERE node = ?', at);
      at = this.node(at)?.parent ?? removed;
    }
  }

  /** A folder was built from what it was at so many changes. Inside a write. */
  built(node: number, built: Pick<PlacedFile, 'cid' | 'size' | 'stored' | 'part'>, changes: number, now: number): void {
    const before = this.node(node);
    const sql = `UPDATE folder_nodes SET cid = ?, size = ?, stored = ?, part = ?,
      changes = iif(changes = ?, 0, changes) WHERE node = ?`;
    this.#sql.run(sql, built.cid, built.size, built.stored, built.part, changes, node);
    if (before === null) {
      this.#leavePart(built.part, now);
      return;
    }
    // A folder that went while it was built may have been the first of the part.
    this.#sql.run('UPDATE folder_parts SET removed = NULL WHERE part = ?', built.part);
    if (before.part !== null && before.part !== built.part) this.#leavePart(before.part, now);
  }

  /** Cleans up to `limit` of what was removed; false when nothing is left. Inside a write. */
  sweep(limit: number, now: number): boolean {
    const some = `SELECT node, is_folder, part FROM folder_nodes WHERE parent = ${removed} AND parent < 0 LIMIT ?`;
    const below = `UPDATE folder_nodes SET parent = ${removed} WHERE node IN (
      SELECT node FROM folder_nodes WHERE ${placed} LIMIT ?)`;
    const rows = this.#sql.all(some, limit);
    let left = limit;
    for (const { node, is_folder: isFolder, part } of rows) {
      if (isFolder === 1) left -= this.#sql.run(below, Number(node), left);
      // The rest of a large folder comes in the next turns.
      if (left <= 0) break;
      left -= 1;
      this.#sql.run('DELETE FROM folder_nodes WHERE node = ?', Number(node));
      if (part !== null) this.#leavePart(Number(part), now);
    }
    return rows.length > 0;
  }

  // PARTS

  /** A put that begins: an ended number is used again, so that names in the network do not become more and more. */
  newPart(fresh: number): Promise<number> {
    return this.#catalog.write(() => {
      const free = this.#sql.get("SELECT part FROM folder_parts WHERE state = 'free' LIMIT 1");
      const part = free === undefined ? fresh : Number(free['part']);
      const sql = `INSERT OR REPLACE INTO folder_parts (part, state, bytes, added, removed)
        VALUES (?, 'put', 0, ?, NULL)`;
      this.#sql.run(sql, part, this.#catalog.wallTime());
      return part;
    });
  }

  /** Its put is committed, and what it keeps is in the tree from now on. Inside a write. */
  partPut(part: number, bytes: number): void {
    this.#sql.run("UPDATE folder_parts SET state = 'kept', bytes = ? WHERE part = ?", bytes, part);
  }

  /** What it keeps is needed by nothing. */
  dropPart(part: number): Promise<void> {
    return this.#catalog.write(
      () => void this.#sql.run("UPDATE folder_parts SET state = 'ending' WHERE part = ?", part),
    );
  }

  /** Puts that were not finished when the peer was stopped keep nothing. */
  dropUnfinished(): Promise<void> {
    return this.#catalog.write(() => {
      this.#sql.run('UPDATE folder_nodes SET parent = ? WHERE parent = ? AND parent < 0', removed, coming);
      this.#sql.run("UPDATE folder_parts SET state = 'ending' WHERE state = 'put'");
    });
  }

  partEnded(part: number): Promise<void> {
    return this.#catalog.write(() => void this.#sql.run("UPDATE folder_parts SET state = 'free' WHERE part = ?", part));
  }

  ending(limit: number): readonly number[] {
    return this.#sql
      .all("SELECT part FROM folder_parts WHERE state = 'ending' LIMIT ?", limit)
      .map((row) => Number(row['part']));
  }

  /**
   * Of up to `limit` parts that are in no tree any more, behind one, those that are in no version either become `ending`.
   * Null at the end. Inside a write.
   */
  dropUnneeded({ left, part }: LeftPart, limit: number): LeftPart | null {
    const sql = `SELECT part, removed AS left, NOT EXISTS (SELECT 1 FROM folder_versions v
        WHERE v.time >= folder_parts.added AND v.began <= folder_parts.removed) AS spare
      FROM folder_parts WHERE state = 'kept' AND (removed, part) > (?, ?) ORDER BY removed, part LIMIT ?`;
    const rows = this.#sql.all(sql, left, part, limit);
    for (const row of rows)
      if (row['spare'] === 1)
        this.#sql.run("UPDATE folder_parts SET state = 'ending' WHERE part = ?", Number(row['part']));
    const last = rows.at(-1);
    return last === undefined || rows.length < limit
      ? null
      : { left: Number(last['left']), part: Number(last['part']) };
  }

  /** What only versions keep. */
  keptBytes(): number {
    const sql = "SELECT sum(bytes) AS bytes FROM folder_parts WHERE state = 'kept' AND removed IS NOT NULL";
    return Number(this.#sql.get(sql)?.['bytes'] ?? 0);
  }

  // VERSIONS

  /** Newest first. */
  versions(folder: string): readonly FolderVersion[] {
    const sql = 'SELECT time, began, cid, size, attributes FROM folder_versions WHERE folder = ? ORDER BY time DESC';
    return this.#sql.all(sql, folder).map((row) => ({
      time: Number(row['time']),
      began: Number(row['began']),
      cid: row['cid'] as Uint8Array,
      size: Number(row['size']),
      attributes: row['attributes'] as Uint8Array | null,
    }));
  }

  hasVersion(folder: string, cid: Uint8Array): boolean {
    const sql = 'SELECT 1 FROM folder_versions WHERE folder = ? AND cid = ? ORDER BY time DESC LIMIT 1';
    return this.#sql.get(sql, folder, cid) !== undefined;
  }

  /** Inside a write. */
  addVersion(folder: string, { time, began, cid, size, attributes }: FolderVersion): void {
    const sql = `INSERT OR REPLACE INTO folder_versions (folder, time, began, cid, size, attributes)
      VALUES (?, ?, ?, ?, ?, ?)`;
    this.#sql.run(sql, folder, time, began, cid, size, attributes);
  }

  /** Inside a write. */
  dropVersions(folder: string, times: readonly number[]): void {
    for (const time of times) this.#sql.run('DELETE FROM folder_versions WHERE folder = ? AND time = ?', folder, time);
  }

  /** Of every folder, also of those that are gone. */
  versionedFolders(): readonly string[] {
    return this.#sql.all('SELECT DISTINCT folder FROM folder_versions').map((row) => String(row['folder']));
  }

  write<Result>(change: () => Result): Promise<Result> {
    return this.#catalog.write(change);
  }

  /** A node refers to it no longer; it may be in others. */
  #leavePart(part: number, now: number): void {
    if (this.#sql.get('SELECT 1 FROM folder_nodes WHERE part = ? LIMIT 1', part) !== undefined) return;
    this.#sql.run('UPDATE folder_parts SET removed = ? WHERE part = ?', now, part);
  }
}

function nodeOf(row: Row): FolderNode {
  return {
    node: Number(row['node']),
    parent: Number(row['parent']),
    base: String(row['base']),
    isFolder: row['is_folder'] === 1,
    cid: row['cid'] as Uint8Array | null,
    size: Number(row['size']),
    stored: Number(row['stored']),
    modified: row['modified'] === null ? null : Number(row['modified']),
    executable: row['executable'] === 1,
    part: row['part'] === null ? null : Number(row['part']),
    changes: Number(row['changes']),
    properties: row['properties'] === null ? null : String(row['properties']),
  };
}

function readLeft(value: unknown): LeftName | null {
  const { from, to, sequence } = (value ?? {}) as Partial<Record<keyof LeftName, unknown>>;
  return typeof from === 'string' && typeof to === 'string' && typeof sequence === 'number'
    ? { from, to, sequence }
    : null;
}
