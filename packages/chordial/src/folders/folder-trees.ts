/**
 * Own folders that change in place. The tree is in the catalogue and takes effect here at once; the network gets it as
 * one root when it has been quiet for a moment.
 *
 * Every file, and the folders that are built at a time, are puts of their own under names that no list shows (parts): their
 * blocks are claimed in the network before a change is acknowledged, and by nothing that the next change would end. What is
 * published writes the blocks of changed folders alone. A part ends when it is in no tree and in no version.
 */
import { randomInt } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Milliseconds, Timer } from '@chordial/ring';
import { CID } from 'multiformats/cid';
import { noAttributes } from '../content/attributes.ts';
import { buildFile, type Emit } from '../content/builder.ts';
import { type Block, rawCodec } from '../content/cid.ts';
import { buildDirectory } from '../content/directory.ts';
import type { DirectoryContent } from '../content/directory-reader.ts';
import { checkName, checkPutName, partPrefix } from '../content/name.ts';
import { openContent } from '../content/reader.ts';
import type { DirectoryEntry } from '../content/unixfs.ts';
import { maxFolderDepth, maxWalkedEntries, treeBlocks } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import type { NamedContent } from '../records/name-entry.ts';
import { chunks } from '../replication/sync-client.ts';
import type { FolderNode, FolderTable, FolderVersion, LeftPart } from '../storage/folder-table.ts';
import { fetchBlocks } from '../transfer/content-fetcher.ts';
import type { FilePorts } from '../transfer/file-ports.ts';
import type { PutOptions } from '../transfer/files.ts';
import { AttributeList, readAttributeList } from '../transfer/folder-attributes.ts';
import { checkFits, publishing } from '../transfer/publish.ts';
import { endOwn } from '../transfer/put-sealed.ts';
import { buildStream, checkedSource, counted } from '../transfer/put-stream.ts';
import { readFile } from '../transfer/read-file.ts';
import { checkedPath, shownPath, type TreePath } from './tree-path.ts';
import { outdatedVersions } from './versions.ts';

/** A file or folder of a tree. */
export interface TreeEntry {
  readonly name: string;
  readonly type: 'file' | 'directory';
  /** Null of a folder with changes that are not published. */
  readonly cid: string | null;
  /** Bytes of a file, or of all files below a folder when it was published. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
  readonly executable: boolean;
  /** What clients of the drive keep with it, by name. */
  readonly properties: Readonly<Record<string, string>>;
}

export interface FolderState {
  readonly name: string;
  /** Changes here that the network has not got yet. */
  readonly isChanging: boolean;
  /** Why the last attempt to publish failed; null when it did not. */
  readonly failure: string | null;
}

/** What a removal takes away. */
export interface Removed {
  /** Null of a folder with changes that are not published. */
  readonly cid: string | null;
  /** Of a folder: nothing is in it. */
  readonly isEmpty: boolean;
}

export interface WriteOptions extends Pick<PutOptions, 'signal' | 'size' | 'progress'> {
  readonly modified?: number | null;
  readonly executable?: boolean;
  /** Makes the folders above as needed; otherwise they must be there. */
  readonly makesFolders?: boolean;
  /** Called with what is there, or null, right before it is replaced; throws to refuse. */
  readonly check?: (before: TreeEntry | null) => void;
}

/** Changes are published after so much quiet, at the latest after so long. */
const quietMilliseconds: Milliseconds = 1000;
const latestMilliseconds: Milliseconds = 10_000;
const firstRetryMilliseconds = 2000;
const maxRetryMilliseconds = 60_000;
const partsEndedAtOnce = 8;
const partsPerRound = 1000;
const rowsPerPage = 500;
const rowsPerSweep = 500;
const blocksPutAtOnce = 16;
/** Files and folders of one copy. */
const maxCopied = 100_000;
/** A larger folder keeps no times for others: the list of them is written whole each time. */
const maxListedAttributes = 20_000;
/** Removed content that versions keep, in bytes; the oldest versions go first. */
const maxKeptBytes = 10 * 1024 * 1024 * 1024;
const maxPart = 2 ** 47;

interface BuiltFolder {
  readonly cid: CID;
  /** Bytes of all files below. */
  readonly size: number;
  /** Bytes of all blocks below, and its own. */
  readonly stored: number;
  /** Of its changes those that are in it. */
  readonly changes: number;
}

/** What is built at a time, by node, and the blocks of the folder that is built. */
interface BuiltFolders {
  readonly built: Map<number, BuiltFolder>;
  readonly own: Block[];
}

export type Trees = Pick<
  FolderTrees,
  | 'state'
  | 'entry'
  | 'entries'
  | 'write'
  | 'makeFolder'
  | 'remove'
  | 'move'
  | 'copy'
  | 'setProperties'
  | 'rename'
  | 'forget'
  | 'own'
  | 'history'
  | 'restore'
  | 'published'
>;

interface Publishing {
  readonly name: string;
  timer: Timer | null;
  /** When the first change that waits was made, by the monotonic clock; null when none waits. */
  since: number | null;
  running: Promise<void> | null;
  /** It is being removed: nothing of it is published any more. */
  isLeaving: boolean;
  retry: number;
  failure: ChordialError | null;
}

export class FolderTrees {
  readonly #ports: FilePorts;
  readonly #table: FolderTable;
  readonly #publishing = new Map<string, Publishing>();
  /** One change of the shape of a tree at a time: what was looked up is still so when it is changed. */
  readonly #opening = new Map<string, Promise<FolderNode | null>>();
  #cleaning: Promise<void> | null = null;
  #cleanAgain = false;
  #isClosed = false;

  constructor(ports: FilePorts, table: FolderTable) {
    this.#ports = ports;
    this.#table = table;
  }

  /** Called once this host is a member: publishes what a crash left, and ends what it left over. */
  begin(): void {
    this.#ports.afterwards(
      this.#table.dropUnfinished().then(async () => {
        for (const top of this.#table.tops()) {
          if (this.#isPutAgain(top.base)) await this.forget(top.base);
          else if (this.#isUnpublished(top)) this.#wake(top.base);
        }
        this.#clean();
      }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#publishing.values()) timer?.cancel();
    await Promise.all([...this.#publishing.values()].map(({ running }) => running));
    await this.#cleaning;
  }

  // READING

  /** Null of a folder that was never changed in place, and of a file. */
  state(name: string): FolderState | null {
    const top = this.#table.top(checkName(name));
    if (top === null) return null;
    return {
      name,
      isChanging: this.#isUnpublished(top),
      failure: this.#publishing.get(name)?.failure?.message ?? null,
    };
  }

  /** Own folders that were opened for changes, published or not. */
  own(): readonly TreeEntry[] {
    return this.#table.tops().map(shownEntry);
  }

  /** Null when there is none. Throws `not-found` when this peer has put no such folder. */
  async entry(at: TreePath): Promise<TreeEntry | null> {
    const top = await this.#opened(at.folder);
    const node = this.#find(top, at.path);
    return node === null ? null : shownEntry(node);
  }

  /** In the order of names, from behind one. Throws `not-found`, or `bad-request` for a file. */
  async *entries(at: TreePath, behind = ''): AsyncGenerator<TreeEntry, void, undefined> {
    const folder = this.#folderAt(await this.#opened(at.folder), at);
    for (let after = behind; ; ) {
      const rows = this.#table.children(folder.node, after, rowsPerPage);
      for (const row of rows) yield shownEntry(row);
      if (rows.length < rowsPerPage) return;
      after = rows.at(-1)!.base;
      await setImmediate();
    }
  }

  // CHANGING

  /** Durable in the network when it resolves. Throws `not-found` for a folder above that is not there. */
  async write(
    at: TreePath,
    source: AsyncIterable<Uint8Array>,
    options: WriteOptions = {},
  ): Promise<{ readonly entry: TreeEntry; readonly isNew: boolean }> {
    const { folder, above, base } = split(at);
    if (options.makesFolders === true) await this.#makeAll(folder, above);
    const parent = this.#folderAt(await this.#opened(folder), { folder, path: above });
    this.#checkFile(this.#table.child(parent.node, base), at);
    const { size, signal, progress } = options;
    if (size !== undefined) await checkFits(this.#ports, folder, size, {});
    const given = {
      ...(signal === undefined ? {} : { signal }),
      ...(progress === undefined ? {} : { progress }),
    };
    let stored = 0;
    let written: TreeEntry | null = null;
    const { part, content } = await this.#put(given, async (write) => {
      const pieces = counted(checkedSource(source), given, size ?? null);
      const { cut, data } = this.#ports;
      const built = await buildStream(pieces, write, size ?? null, { data, cut: { ...cut, wholeHash: false } });
      stored = built.storedBytes;
      return { cid: built.cid, size: built.size, type: 'file', sha256: built.sha256, blocks: built.blocks };
    });
    const { modified = this.#now(), executable = false } = options;
    const file = { cid: content.cid.bytes, size: content.size, stored, modified, executable, part };
    const isNew = await this.#changing(folder, part, () => {
      if (!this.#table.isThere(parent.node)) throw wentAway(at);
      const before = this.#table.child(parent.node, base);
      this.#checkFile(before, at);
      options.check?.(before === null ? null : shownEntry(before));
      this.#table.partPut(part, content.size);
      this.#table.placeFile(parent.node, base, file);
      written = shownEntry(this.#table.child(parent.node, base)!);
      return before === null;
    });
    return { entry: written!, isNew };
  }

  /** Throws `already-exists`, or `not-found` for the folder above. */
  async makeFolder(at: TreePath): Promise<void> {
    const path = checkedPath(at.path);
    if (path.length === 0) return this.#makeTop(at.folder);
    const { folder, above, base } = split(at);
    const top = await this.#opened(folder);
    await this.#changing(folder, null, () => {
      const parent = this.#folderAt(top, { folder, path: above });
      if (this.#table.child(parent.node, base) !== null) throw thereAlready(at);
      if (this.#table.depthOf(parent.node) > maxFolderDepth) throw tooDeep(at);
      this.#table.addFolder(parent.node, base, this.#now());
    });
  }

  /** A file, or a folder with all that is in it. `check` throws to keep it. Throws `not-found`. */
  async remove(at: TreePath, check: (there: Removed) => void = () => undefined): Promise<void> {
    const { folder } = split(at);
    const top = await this.#opened(folder);
    await this.#changing(folder, null, () => {
      const node = this.#find(top, at.path);
      if (node === null) throw notThere(at);
      check(this.#removed(node));
      this.#table.detach(node.node);
    });
    this.#clean();
  }

  #removed(node: FolderNode): Removed {
    return { cid: shownEntry(node).cid, isEmpty: this.#table.children(node.node, '', 1).length === 0 };
  }

  /**
   * Within an own folder or between two of them. Throws `not-found`, `already-exists` unless it may be replaced, and
   * `bad-request` for a folder into itself.
   */
  async move(from: TreePath, to: TreePath, { replaces = false } = {}): Promise<{ readonly isNew: boolean }> {
    return this.#place(from, to, replaces, (node, parent, base) => {
      this.#table.move(node.node, parent, base);
    });
  }

  /** Of a folder with all below it, unless `isShallow`. The same errors. */
  async copy(
    from: TreePath,
    to: TreePath,
    { replaces = false, isShallow = false } = {},
  ): Promise<{ readonly isNew: boolean }> {
    const node = this.#find(await this.#opened(from.folder), from.path);
    if (node === null) throw notThere(from);
    if (!node.isFolder || isShallow)
      return this.#place(from, to, replaces, ({ modified, ...one }, parent, base) => {
        if (one.isFolder) this.#table.addFolder(parent, base, this.#now());
        else this.#table.addNode({ ...one, modified, parent, base });
        this.#table.touch(parent);
      });
    this.#placeOf(from, to, replaces, [await this.#opened(from.folder), await this.#opened(to.folder)]);
    const copied = await this.#copied(node);
    let isPlaced = false;
    try {
      return await this.#place(from, to, replaces, (_, parent, base) => {
        this.#table.move(copied, parent, base);
        isPlaced = true;
      });
    } finally {
      if (!isPlaced) await this.#drop(copied);
    }
  }

  /**
   * Before its name is ended, or after it was put as a whole: nothing of the tree is published any more. `check` throws to
   * keep it.
   */
  async forget(name: string, check: (there: Removed) => void = () => undefined): Promise<void> {
    const top = this.#table.top(name);
    if (top === null) return;
    const state = this.#stateOf(name);
    state.isLeaving = true;
    try {
      state.timer?.cancel();
      state.timer = null;
      await state.running;
      await this.#table.write(() => {
        const there = this.#table.node(top.node);
        if (there !== null) check(this.#removed(there));
        this.#table.detach(top.node);
      });
      this.#publishing.delete(name);
    } catch (error) {
      this.#publishing.delete(name);
      const there = this.#table.top(name);
      if (there !== null && this.#isUnpublished(there)) this.#wake(name);
      throw error;
    }
    this.#clean();
  }

  /** Another name for an own folder. The old one ends when the new one is in the network, which may be later. */
  async rename(from: string, to: string): Promise<void> {
    const top = await this.#opened(from);
    const name = checkPutName(to);
    if ((await this.#open(name)) !== null || this.#ports.names.own(name) !== null)
      throw thereAlready({ folder: name, path: [] });
    await this.#stateOf(top.base).running;
    await this.#changing(name, null, () => {
      if (this.#table.top(name) !== null) throw thereAlready({ folder: name, path: [] });
      this.#table.rename(top.node, {
        from: top.base,
        to: name,
        sequence: this.#ports.names.own(top.base)?.sequence ?? null,
      });
    });
    // It has its new name here, whether or not others can be told now.
    await this.#publishNow(name)
      .then(() => this.#endRenamed())
      .catch(() => undefined);
  }

  /** Names that folders had before they were renamed, unless they were put again since. */
  async #endRenamed(): Promise<void> {
    for (const { from, to, sequence } of this.#table.renamed()) {
      const top = this.#table.top(to);
      if (top !== null && this.#isUnpublished(top)) continue;
      const old = this.#ports.names.own(from);
      if (old !== null && old.sequence === sequence) await endOwn(this.#ports, from);
      await this.#table.renameEnded(from);
    }
  }

  /** `change` is given those that are there, and bounds what it makes of them. */
  async setProperties(
    at: TreePath,
    change: (before: TreeEntry['properties']) => TreeEntry['properties'],
  ): Promise<void> {
    const top = await this.#opened(at.folder);
    await this.#table.write(() => {
      const node = this.#find(top, at.path);
      if (node === null) throw notThere(at);
      const properties = change(shownEntry(node).properties);
      const text = Object.keys(properties).length === 0 ? null : JSON.stringify(properties);
      this.#table.setProperties(node.node, text);
    });
  }

  // VERSIONS

  /** Roots that stay readable, newest first. Throws `not-found`. */
  async history(name: string): Promise<readonly (Pick<FolderVersion, 'time' | 'size'> & { readonly cid: string })[]> {
    await this.#opened(name);
    return this.#table.versions(name).map(({ time, cid, size }) => ({ time, size, cid: CID.decode(cid).toString() }));
  }

  /** The version that was current at this time. Throws `not-found`. */
  async #versionAt(name: string, time: number): Promise<FolderVersion> {
    await this.#opened(name);
    const versions = this.#table.versions(name);
    const found = versions.find((one) => one.time <= time);
    if (found !== undefined) return found;
    const oldest = versions.at(-1);
    throw new ChordialError(
      'not-found',
      oldest === undefined
        ? `No version of ${JSON.stringify(name)} is kept yet. One is with its next change.`
        : `The oldest version of ${JSON.stringify(name)} that is kept is of ${new Date(oldest.time).toISOString()}. See "chordial history ${name}".`,
    );
  }

  /** Makes the folder what it was; what it is now becomes a version. */
  async restore(name: string, time: number): Promise<{ readonly cid: string; readonly time: number }> {
    const version = await this.#versionAt(name, time);
    const top = await this.#opened(name);
    await this.#publishNow(name);
    const { attributes } = version;
    const root = CID.decode(version.cid);
    await this.#takeOver(name, root, attributes === null ? null : CID.decode(attributes), top);
    this.#wake(name);
    this.#clean();
    return { cid: root.toString(), time: version.time };
  }

  /** Resolves when all changes of a folder are published. Rejects with the reason when they cannot be. */
  async published(name: string): Promise<void> {
    if (this.#table.top(name) !== null) await this.#publishNow(name);
  }

  // TREES

  /** Throws `not-found` when this peer has neither put nor made such a folder. */
  async #opened(name: string): Promise<FolderNode> {
    const checked = checkName(name);
    const opened = await this.#open(checked);
    if (opened !== null) return opened;
    throw new ChordialError(
      'not-found',
      `This peer has put no folder ${JSON.stringify(checked)}. Only own folders can be changed; list them with "chordial ls".`,
    );
  }

  /** Of those who open a folder at the same time, one does it. */
  #open(name: string): Promise<FolderNode | null> {
    const known = this.#opening.get(name);
    if (known !== undefined) return known;
    const opening = this.#openFresh(name).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
  }

  async #openFresh(name: string): Promise<FolderNode | null> {
    const top = this.#table.top(name);
    if (top !== null && !this.#isPutAgain(name)) return top;
    if (this.#ports.names.own(name)?.type === 'file')
      throw new ChordialError('bad-request', `${JSON.stringify(name)} is a file, not a folder.`);
    // It was put again as a whole: that is later than any change here.
    await this.forget(name);
    const own = this.#ports.names.own(name);
    if (own === null) return null;
    const attributes = own.attributes instanceof CID ? own.attributes : null;
    return this.#takeOver(name, own.cid, attributes, null);
  }

  /** A tree of what is published: one part keeps all of its blocks. */
  async #takeOver(name: string, root: CID, attributes: CID | null, before: FolderNode | null): Promise<FolderNode> {
    const fetch = fetchBlocks(this.#ports.fetcher);
    const { closing } = this.#ports;
    const { part, content } = await this.#put({}, async (write) => {
      const { blocks: own, size } = await treeBlocks(root, fetch, closing);
      const ofList = attributes === null ? null : await treeBlocks(attributes, fetch, closing).catch(() => null);
      const blocks = [...own, ...(ofList?.blocks ?? [])];
      for (const some of chunks(blocks, blocksPutAtOnce)) for await (const block of fetch(some)) await write(block);
      return { cid: root, size, type: 'directory', sha256: null, blocks: blocks.length };
    });
    let top: number | null = null;
    try {
      const list =
        attributes === null
          ? null
          : await readAttributeList(readFile(this.#ports, attributes.toString(), undefined, closing)).catch(() => null);
      const folder = await openContent(root, fetch);
      if (folder.type === 'file') throw new ChordialError('bad-request', `${JSON.stringify(name)} is a file.`);
      const fresh = {
        base: name,
        isFolder: true,
        cid: root.bytes,
        executable: false,
        part,
        changes: 0,
        properties: null,
      };
      const made = await this.#table.write(() => {
        this.#table.partPut(part, content.size);
        return this.#table.addComing({ ...fresh, size: content.size, stored: 0, modified: this.#now() });
      });
      top = made;
      await this.#takeEntries(folder, made, '', { part, list, entries: 0, fetch });
      await this.#table.write(() => {
        // What was written meanwhile is in no version, and is not dropped.
        if (before !== null && this.#table.node(before.node)?.changes !== 0) throw changedMeanwhile(name);
        if (before !== null) this.#table.detach(before.node);
        this.#table.move(made, 0, name);
        if (before !== null) this.#table.touch(made);
        else {
          const listed = attributes?.bytes ?? null;
          this.#addVersion(name, { began: this.#now(), cid: root.bytes, size: content.size, attributes: listed });
        }
      });
      return this.#table.node(made)!;
    } catch (error) {
      const begun = top;
      if (begun === null) await this.#table.dropPart(part);
      else await this.#table.write(() => this.#table.detach(begun));
      this.#clean();
      throw error;
    }
  }

  async #takeEntries(
    folder: DirectoryContent,
    parent: number,
    above: string,
    taking: {
      readonly part: number;
      readonly list: Awaited<ReturnType<typeof readAttributeList>> | null;
      readonly fetch: ReturnType<typeof fetchBlocks>;
      entries: number;
    },
  ): Promise<void> {
    let rows: Omit<FolderNode, 'node'>[] = [];
    const write = async (): Promise<void> => {
      const some = rows;
      rows = [];
      if (some.length > 0) {
        await this.#table.write(() => {
          for (const row of some) this.#table.addNode(row);
        });
      }
    };
    for await (const { name, cid, size: stored } of folder.entries()) {
      taking.entries += 1;
      if (taking.entries > maxWalkedEntries) throw tooMany(name);
      const content = cid.code === rawCodec ? null : await openContent(cid, taking.fetch);
      const { modified, executable } = taking.list?.get(above + name) ?? noAttributes;
      const row = {
        parent,
        base: name,
        cid: cid.bytes,
        stored,
        modified,
        part: taking.part,
        changes: 0,
        properties: null,
      };
      if (content?.type === 'directory') {
        const node = await this.#table.write(() =>
          this.#table.addNode({ ...row, isFolder: true, size: 0, executable: false }),
        );
        await this.#takeEntries(content, node, `${above}${name}/`, taking);
      } else rows.push({ ...row, isFolder: false, size: content?.size ?? stored, executable });
      if (rows.length >= rowsPerPage) await write();
    }
    await write();
  }

  /** Its name has a root that no tree here had: a later put of the whole. */
  #isPutAgain(name: string): boolean {
    const own = this.#ports.names.own(name);
    return own !== null && !this.#table.hasVersion(name, own.cid.bytes);
  }

  /** The network has another root than the tree here, or the tree changed since that was built. */
  #isUnpublished({ base, changes, cid }: FolderNode): boolean {
    const own = this.#ports.names.own(base);
    return changes > 0 || cid === null || own === null || !isSame(own.cid, cid);
  }

  async #makeTop(name: string): Promise<void> {
    const checked = checkPutName(name);
    if ((await this.#open(checked)) !== null || this.#ports.names.own(checked) !== null)
      throw thereAlready({ folder: checked, path: [] });
    await this.#changing(checked, null, () => {
      if (this.#table.top(checked) !== null) throw thereAlready({ folder: checked, path: [] });
      this.#table.addFolder(0, checked, this.#now());
    });
  }

  async #makeAll(folder: string, above: readonly string[]): Promise<void> {
    for (let length = 0; length <= above.length; length++) {
      const at = { folder, path: above.slice(0, length) };
      const top = await this.#open(checkName(folder));
      if (top !== null && this.#find(top, at.path) !== null) continue;
      await this.makeFolder(at).catch((error: unknown) => {
        if (!(error instanceof ChordialError) || error.code !== 'already-exists') throw error;
      });
    }
  }

  #find(top: FolderNode, path: readonly string[]): FolderNode | null {
    let node = this.#table.node(top.node);
    for (const base of checkedPath(path)) {
      if (node === null) return null;
      node = this.#table.child(node.node, base);
    }
    return node;
  }

  #folderAt(top: FolderNode, at: TreePath): FolderNode {
    const node = this.#find(top, at.path);
    if (node === null) throw notThere(at);
    if (node.isFolder) return node;
    throw new ChordialError('bad-request', `${shownPath(at)} is a file, and nothing can be in it.`);
  }

  #checkFile(there: FolderNode | null, at: TreePath): void {
    if (there?.isFolder)
      throw new ChordialError('already-exists', `${shownPath(at)} is a folder. Remove it, or write elsewhere.`);
  }

  async #place(
    from: TreePath,
    to: TreePath,
    replaces: boolean,
    act: (node: FolderNode, parent: number, base: string) => void,
  ): Promise<{ readonly isNew: boolean }> {
    const tops = [await this.#opened(from.folder), await this.#opened(to.folder)] as const;
    const isNew = await this.#changing(to.folder, null, () => {
      const { node, parent, base, there } = this.#placeOf(from, to, replaces, tops);
      if (there?.node === node.node) return false;
      if (there !== null) this.#table.detach(there.node);
      act(node, parent.node, base);
      return there === null;
    });
    if (from.folder !== to.folder) this.#wake(from.folder);
    if (!isNew) this.#clean();
    return { isNew };
  }

  /** What is to be placed, where, and what is there. Throws as `move` does. */
  #placeOf(from: TreePath, to: TreePath, replaces: boolean, [source, target]: readonly [FolderNode, FolderNode]) {
    split(from);
    const { folder, above, base } = split(to);
    const node = this.#find(source, from.path);
    if (node === null) throw notThere(from);
    const parent = this.#folderAt(target, { folder, path: above });
    if (this.#table.isWithin(parent.node, node.node))
      throw new ChordialError('bad-request', `${shownPath(from)} cannot be put into itself.`);
    const there = this.#table.child(parent.node, base);
    if (there !== null && there.node !== node.node) {
      if (!replaces) throw thereAlready(to);
      if (this.#table.isWithin(node.node, there.node))
        throw new ChordialError(
          'bad-request',
          `${shownPath(to)} holds ${shownPath(from)}, and cannot be replaced by it.`,
        );
    }
    const height = node.isFolder ? this.#table.heightOf(node.node, maxFolderDepth + 1) : 0;
    if (this.#table.depthOf(parent.node) + height > maxFolderDepth) throw tooDeep(to);
    return { node, parent, base, there };
  }

  /** A copy of a folder that is in no place yet, made in steps. Its folders count as changed: the original may change meanwhile. */
  async #copied(folder: FolderNode): Promise<number> {
    const top = await this.#table.write(() => this.#table.addComing({ ...folder, changes: 1 }));
    let count = 1;
    try {
      const open: [number, number][] = [[folder.node, top]];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const [original, copy] = next;
        for (let after: string | null = ''; after !== null; ) {
          const behind: string = after;
          const rows = await this.#table.write(() => {
            const some = this.#table.children(original, behind, rowsPerSweep);
            for (const row of some) {
              const made = this.#table.addNode({ ...row, parent: copy, changes: row.isFolder ? 1 : 0 });
              if (row.isFolder) open.push([row.node, made]);
            }
            return some;
          });
          count += rows.length;
          if (count > maxCopied) throw tooManyToCopy();
          after = rows.length < rowsPerSweep ? null : rows.at(-1)!.base;
        }
      }
      return top;
    } catch (error) {
      await this.#drop(top);
      throw error;
    }
  }

  async #drop(node: number): Promise<void> {
    await this.#table.write(() => this.#table.detach(node));
    this.#clean();
  }

  /** A change in one transaction; on failure the part of it is dropped. */
  async #changing<Result>(folder: string, part: number | null, change: () => Result): Promise<Result> {
    try {
      const result = await this.#table.write(change);
      this.#wake(folder);
      return result;
    } catch (error) {
      if (part !== null) {
        await this.#table.dropPart(part);
        this.#clean();
      }
      throw error;
    }
  }

  // PARTS

  async #put(
    options: PutOptions,
    build: (write: Emit) => Promise<Omit<NamedContent, 'name'>>,
  ): Promise<{ readonly part: number; readonly content: Omit<NamedContent, 'name'> }> {
    const part = await this.#table.newPart(randomInt(maxPart));
    const name = nameOfPart(part);
    try {
      let content: Omit<NamedContent, 'name'> | null = null;
      await publishing(this.#ports, name, options, async (write) => {
        content = await build(write);
        return { ...(content as Omit<NamedContent, 'name'>), name };
      });
      return { part, content: content! };
    } catch (error) {
      await this.#table.dropPart(part);
      this.#clean();
      throw error;
    }
  }

  #clean(): void {
    if (this.#isClosed) return;
    this.#cleanAgain = true;
    this.#cleaning ??= this.#cleanUp()
      .catch((error: Error) => this.#failed(error))
      .finally(() => {
        this.#cleaning = null;
      });
  }

  async #cleanUp(): Promise<void> {
    while (this.#cleanAgain && !this.#isClosed) {
      this.#cleanAgain = false;
      while (!this.#isClosed && (await this.#table.write(() => this.#table.sweep(rowsPerSweep, this.#now()))));
      await this.#endRenamed();
      await this.#thinVersions();
      await this.#dropUnneeded();
      for (;;) {
        const parts = this.#table.ending(partsPerRound);
        if (parts.length === 0 || this.#isClosed) break;
        await forEachConcurrently(parts, partsEndedAtOnce, (part) => this.#end(part));
      }
    }
  }

  async #end(part: number): Promise<void> {
    if (this.#isClosed) return;
    try {
      await endOwn(this.#ports, nameOfPart(part));
    } catch (error) {
      // It was never committed.
      if (!(error instanceof ChordialError) || error.code !== 'not-found') throw error;
    }
    await this.#table.partEnded(part);
  }

  async #thinVersions(): Promise<void> {
    const now = this.#now();
    for (const folder of this.#table.versionedFolders()) {
      const isGone = this.#table.top(folder) === null;
      const versions = this.#table.versions(folder);
      const spare = new Set(this.#spare(folder).map(({ time }) => time));
      const gone = isGone
        ? versions.map(({ time }) => time)
        : outdatedVersions(versions, now).filter((time) => spare.has(time));
      await this.#table.write(() => this.#table.dropVersions(folder, gone));
    }
    while (this.#table.keptBytes() > maxKeptBytes) {
      const oldest = this.#table
        .versionedFolders()
        .flatMap((folder) => this.#spare(folder).map(({ time }) => ({ folder, time })))
        .sort((a, b) => a.time - b.time)[0];
      if (oldest === undefined) return;
      await this.#table.write(() => this.#table.dropVersions(oldest.folder, [oldest.time]));
      await this.#dropUnneeded();
    }
  }

  async #dropUnneeded(): Promise<void> {
    for (let at: LeftPart | null = { left: -1, part: -1 }; at !== null; ) {
      const behind: LeftPart = at;
      at = await this.#table.write(() => this.#table.dropUnneeded(behind, rowsPerSweep));
    }
  }

  /** Those that are neither the newest nor what the network has. */
  #spare(folder: string): readonly FolderVersion[] {
    const own = this.#ports.names.own(folder);
    return this.#table
      .versions(folder)
      .filter(({ cid }, place) => place > 0 && !(own !== null && isSame(own.cid, cid)));
  }

  // PUBLISHING

  #stateOf(name: string): Publishing {
    const known = this.#publishing.get(name);
    if (known !== undefined) return known;
    const made: Publishing = {
      name,
      timer: null,
      since: null,
      running: null,
      isLeaving: false,
      retry: firstRetryMilliseconds,
      failure: null,
    };
    this.#publishing.set(name, made);
    return made;
  }

  /** Something changed in the folder: it is published when it is quiet. */
  #wake(name: string): void {
    const state = this.#stateOf(name);
    const now = this.#ports.data.clock.now();
    state.since ??= now;
    if (this.#isClosed || state.isLeaving || state.running !== null) return;
    const delay = Math.min(quietMilliseconds, Math.max(0, state.since + latestMilliseconds - now));
    this.#in(state, delay);
  }

  #in(state: Publishing, delay: number): void {
    state.timer?.cancel();
    state.timer = this.#ports.data.clock.after(delay, () => {
      state.timer = null;
      void this.#run(state).catch(() => undefined);
    });
  }

  async #publishNow(name: string): Promise<void> {
    const state = this.#stateOf(name);
    for (let top = this.#table.top(name); !state.isLeaving && top !== null; top = this.#table.top(name)) {
      if (!this.#isUnpublished(top)) return;
      state.timer?.cancel();
      state.timer = null;
      await this.#run(state);
    }
  }

  /** One run at a time; a failed one is tried again, ever more rarely. */
  #run(state: Publishing): Promise<void> {
    if (state.running !== null) return state.running;
    if (state.isLeaving) return Promise.resolve();
    state.since = null;
    const running = this.#publish(state.name).then(
      () => {
        state.failure = null;
        state.retry = firstRetryMilliseconds;
      },
      (error: unknown) => {
        const known = error instanceof ChordialError ? error : new ChordialError('internal', (error as Error).message);
        state.failure = known;
        this.#failed(known);
        state.since ??= this.#ports.data.clock.now();
        throw known;
      },
    );
    const settled = running
      .catch(() => undefined)
      .finally(() => {
        state.running = null;
        if (this.#isClosed) return;
        if (state.failure !== null) {
          this.#in(state, state.retry);
          state.retry = Math.min(maxRetryMilliseconds, state.retry * 2);
        } else if ((this.#table.top(state.name)?.changes ?? 0) > 0) this.#wake(state.name);
        this.#clean();
      });
    state.running = settled;
    return running;
  }

  /** One part keeps all folders that are built at a time. */
  async #publish(name: string): Promise<void> {
    const top = this.#table.top(name);
    if (top === null || !this.#isUnpublished(top)) return;
    if (this.#isPutAgain(name)) return this.#table.write(() => this.#table.detach(top.node));
    const began = this.#now();
    const built = new Map<number, BuiltFolder>();
    /** Those of the folder itself and of its list, which its name claims as well. */
    const own: Block[] = [];
    let attributes: CID | null = null;
    const { part } = await this.#put({}, async (write) => {
      const { cid, size } = await this.#build(top, write, { built, own });
      const list = await this.#attributesOf(top);
      const keep = async (block: Block): Promise<void> => {
        // Leaves are used again once they are stored.
        own.push({ cid: block.cid, bytes: Uint8Array.from(block.bytes) });
        await write(block);
      };
      if (list !== null) attributes = (await buildFile(list, keep, { ...this.#ports.cut, wholeHash: false })).cid;
      return { cid, size, type: 'directory', sha256: null, blocks: built.size };
    });
    const { cid: root, size } = built.get(top.node)!;
    await this.#table.write(() => this.#table.partPut(part, 0));
    // The folder itself comes last: until then it counts as changed.
    for (const some of chunks([...built], rowsPerSweep))
      await this.#table.write(() => {
        for (const [node, { cid, changes, ...one }] of some)
          this.#table.built(node, { ...one, cid: cid.bytes, part }, changes, this.#now());
        // The version is written down before it is in the network: a root that is there is known to be from here.
        if (some.at(-1)?.[0] === top.node)
          this.#addVersion(name, { began, cid: root.bytes, size, attributes: attributes?.bytes ?? null });
      });
    await publishing(this.#ports, name, {}, async (write) => {
      for (const block of own) await write(block);
      return { name, cid: root, size, type: 'directory', sha256: null, blocks: own.length, attributes };
    });
  }

  #addVersion(name: string, version: Omit<FolderVersion, 'time'>): void {
    this.#table.addVersion(name, { ...version, time: this.#now() });
  }

  /** Builds the folders in which something changed, and this one. */
  async #build(folder: FolderNode, write: Emit, made: BuiltFolders): Promise<BuiltFolder> {
    const { built, own } = made;
    // Read first: what changes from here on, below too, is built the next time.
    const changes = this.#table.node(folder.node)?.changes ?? 0;
    for (const below of this.#table.changedIn(folder.node)) await this.#build(below, write, { built, own: [] });
    const entries: DirectoryEntry[] = [];
    let size = 0;
    for (let after = ''; ; ) {
      const rows = this.#table.children(folder.node, after, rowsPerPage);
      for (const row of rows) {
        const fresh = built.get(row.node);
        // A folder that came meanwhile is built the next time; until then it is not in the network.
        if (fresh === undefined && row.cid === null) continue;
        entries.push({ name: row.base, cid: fresh?.cid ?? CID.decode(row.cid!), size: fresh?.stored ?? row.stored });
        size += fresh?.size ?? row.size;
      }
      if (rows.length < rowsPerPage) break;
      after = rows.at(-1)!.base;
      await setImmediate();
    }
    const { cid, size: stored } = await buildDirectory(entries, async (block) => {
      own.push(block);
      await write(block);
    });
    const one = { cid, size, stored, changes };
    built.set(folder.node, one);
    return one;
  }

  async #attributesOf(top: FolderNode): Promise<AsyncIterable<Uint8Array> | null> {
    const list = new AttributeList();
    let count = 0;
    const walk = async (parent: number, above: string): Promise<boolean> => {
      for (let after = ''; ; ) {
        const rows = this.#table.children(parent, after, rowsPerPage);
        for (const { node, base, isFolder, modified, executable } of rows) {
          if (isFolder) {
            if (!(await walk(node, `${above}${base}/`))) return false;
            continue;
          }
          count += 1;
          if (count > maxListedAttributes) return false;
          list.add({ path: above + base, modified, executable });
        }
        if (rows.length < rowsPerPage) return true;
        after = rows.at(-1)!.base;
        await setImmediate();
      }
    };
    return (await walk(top.node, '')) ? list.bytes() : null;
  }

  #now(): number {
    return this.#ports.data.clock.wallTime();
  }

  #failed(error: Error): void {
    const { data } = this.#ports;
    data.report?.('no-answer', data.view.self, `A folder was not brought up to date: ${error.message}`);
  }
}

function nameOfPart(part: number): string {
  return `${partPrefix}${part.toString(36)}`;
}

function shownEntry({ base, isFolder, cid, size, modified, executable, changes, properties }: FolderNode): TreeEntry {
  return {
    name: base,
    type: isFolder ? 'directory' : 'file',
    cid: cid === null || changes > 0 ? null : CID.decode(cid).toString(),
    ...{ size, modified, executable },
    properties: properties === null ? {} : (JSON.parse(properties) as Record<string, string>),
  };
}

function isSame(cid: CID, bytes: Uint8Array): boolean {
  return Buffer.compare(cid.bytes, bytes) === 0;
}

function split({ folder, path }: TreePath): { folder: string; above: readonly string[]; base: string } {
  const checked = checkedPath(path);
  const base = checked.at(-1);
  if (base === undefined)
    throw new ChordialError('bad-request', `${folder} is a whole folder. Name something in it, as in ${folder}/NAME.`);
  return { folder: checkName(folder), above: checked.slice(0, -1), base };
}

function notThere(at: TreePath): ChordialError {
  return new ChordialError('not-found', `${shownPath(at)} is not there. See what is with "chordial ls ${at.folder}".`);
}

function thereAlready(at: TreePath): ChordialError {
  return new ChordialError(
    'already-exists',
    `${shownPath(at)} is there already. Use another name, or remove it first.`,
  );
}

function wentAway(at: TreePath): ChordialError {
  return new ChordialError('changed', `The folder of ${shownPath(at)} was removed meanwhile.`);
}

function changedMeanwhile(name: string): ChordialError {
  return new ChordialError('changed', `${JSON.stringify(name)} was changed meanwhile, and is as it was. Try again.`);
}

function tooDeep(at: TreePath): ChordialError {
  return new ChordialError('bad-name', `${shownPath(at)} would be more than ${maxFolderDepth} folders deep.`);
}

function tooManyToCopy(): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `More than ${maxCopied} files and folders are not copied at a time. Copy parts of it.`,
  );
}

function tooMany(name: string): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `The folder ${JSON.stringify(name)} holds more than ${maxWalkedEntries} entries, too many to change it in place.`,
  );
}
