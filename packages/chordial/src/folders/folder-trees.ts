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
import { type Block, parseCid, rawCodec } from '../content/cid.ts';
import { buildDirectory } from '../content/directory.ts';
import type { DirectoryContent } from '../content/directory-reader.ts';
import { checkName, checkPutName, partPrefix } from '../content/name.ts';
import { openContent } from '../content/reader.ts';
import type { DirectoryEntry } from '../content/unixfs.ts';
import { maxFolderDepth, maxWalkedEntries, treeBlocks } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import type { NamedContent, NameEntry } from '../records/name-entry.ts';
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
import { ownEntries } from '../transfer/resolve.ts';
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
}

export interface WriteOptions extends Pick<PutOptions, 'signal' | 'size' | 'progress'> {
  readonly modified?: number | null;
  readonly executable?: boolean;
  /** Makes the folders above as needed; otherwise they must be there. */
  readonly makesFolders?: boolean;
  /** Also a folder with all that is in it. */
  readonly replacesFolder?: boolean;
  /** Called with what is there, or null, right before it is replaced; throws to refuse. */
  readonly check?: (before: TreeEntry | null) => void;
}

/** A published folder of anybody. */
export interface PublishedFolder {
  readonly cid: string;
  /** CID of the list of the times of its files. */
  readonly attributes: string | null;
}

/** Changes are published after so much quiet, at the latest after so long. */
const quietMilliseconds: Milliseconds = 1000;
const latestMilliseconds: Milliseconds = 10_000;
const firstRetryMilliseconds = 2000;
const maxRetryMilliseconds = 60_000;
const endAgainMilliseconds = 10_000;
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
  | 'copyPublished'
  | 'setProperties'
  | 'end'
  | 'hasLeft'
  | 'own'
  | 'history'
  | 'restore'
  | 'published'
>;

/** Something that is to be put into a place. */
interface Placing {
  /** As it is in the transaction. Throws when it is no more. */
  readonly find: () => FolderNode;
  /** As it is told to people. */
  readonly from: string;
  readonly to: TreePath;
  readonly replaces: boolean;
  /** The name that it was the whole of; null otherwise. */
  readonly held: string | null;
}

interface Publishing {
  readonly name: string;
  timer: Timer | null;
  /** When the first change that waits was made, by the monotonic clock; null when none waits. */
  since: number | null;
  running: Promise<void> | null;
  /** By so many changes of what the name stands for: until they have ended nothing of it is published. */
  held: number;
  retry: number;
  failure: ChordialError | null;
}

export class FolderTrees {
  readonly #ports: FilePorts;
  readonly #table: FolderTable;
  readonly #publishing = new Map<string, Publishing>();
  /** One change of the shape of a tree at a time: what was looked up is still so when it is changed. */
  readonly #opening = new Map<string, Promise<FolderNode | null>>();
  #endingLeft: Promise<void> | null = null;
  #endingTimer: Timer | null = null;
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
          if (this.#isPutAgain(top.base)) await this.replaced(top.base);
          else if (this.#isUnpublished(top)) this.#wake(top.base);
        }
        this.#clean();
      }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#publishing.values()) timer?.cancel();
    this.#endingTimer?.cancel();
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

  /** Whether what is published under a name is in a tree of another now: it is there no more, and others see that soon. */
  hasLeft(name: string): boolean {
    const own = this.#ports.names.own(name);
    // Most names: sealed ones need not be looked for.
    if (this.#table.top(name) !== null || (own !== null && !this.#isLeft(own))) return false;
    const entries = ownEntries(this.#ports, name);
    return entries.length > 0 && entries.every((entry) => this.#isLeft(entry));
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
    this.#checkFile(this.#table.child(parent.node, base), at, options);
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
      this.#checkFile(before, at, options);
      options.check?.(before === null ? null : shownEntry(before));
      this.#table.partPut(part, content.size);
      this.#table.placeFile(parent.node, base, file);
      written = shownEntry(this.#table.child(parent.node, base)!);
      return before === null;
    });
    // The folder may have got another name, or a place in another one.
    const name = this.#nameOver(parent);
    if (name !== folder) this.#wake(name);
    return { entry: written!, isNew };
  }

  /** An empty one. Throws `already-exists` unless it may replace what is there, or `not-found` for the folder above. */
  async makeFolder(at: TreePath, { replaces = false } = {}): Promise<void> {
    const path = checkedPath(at.path);
    if (replaces) {
      const coming = await this.#table.write(() => this.#table.addComing({ ...emptyFolder, modified: this.#now() }));
      await this.#placeComing(coming, { from: shownPath(at), to: at, replaces, held: null });
      return;
    }
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
      check(shownEntry(node));
      this.#table.detach(node.node);
    });
    this.#clean();
  }

  /**
   * Within an own folder or between two of them; a folder may be a whole own one, before and after. One step: on failure
   * all is as it was. Throws `not-found`, `already-exists` unless it may be replaced, and `bad-request` for a folder into
   * itself.
   */
  async move(from: TreePath, to: TreePath, { replaces = false } = {}): Promise<{ readonly isNew: boolean }> {
    const source = await this.#opened(from.folder);
    const find = () => this.#sourceIn(source, from);
    const isWhole = from.path.length === 0;
    const held = isWhole ? source.base : null;
    const placed = await this.#place({ find, from: shownPath(from), to, replaces, held }, (node, parent, base) => {
      this.#table.move(node.node, parent, base);
      if (parent === 0) this.#table.touch(node.node);
      if (!isWhole) return;
      if (parent === 0) this.#table.moveVersions(node.base, base);
      for (const left of this.#table.allLeft())
        if (left.to === node.base) this.#table.leave({ ...left, to: to.folder });
      this.#leave(node.base, to.folder);
    });
    if (isWhole) this.#clean();
    else if (from.folder !== to.folder) this.#wake(from.folder);
    return placed;
  }

  /** Of a folder with all below it, unless `isShallow`. The same errors. */
  async copy(
    from: TreePath,
    to: TreePath,
    { replaces = false, isShallow = false } = {},
  ): Promise<{ readonly isNew: boolean }> {
    const source = await this.#opened(from.folder);
    const find = () => this.#sourceIn(source, from);
    const wish = { find, from: shownPath(from), to, replaces, held: null };
    const node = find();
    if (!node.isFolder || isShallow)
      return this.#place(wish, (one, parent, base) => {
        if (one.isFolder) this.#table.addFolder(parent, base, this.#now());
        else this.#table.addNode({ ...one, parent, base });
        this.#table.touch(parent);
      });
    this.#placeFor(node, wish, await this.#topAt(to));
    // Of what was removed while it was copied, the copy is not whole.
    return this.#placeComing(await this.#copied(node), wish, () => {
      if (find().node !== node.node) throw notThere(from);
    });
  }

  /** Of what anybody has published: read whole before anything here changes. The same errors. */
  async copyPublished(
    { cid, attributes }: PublishedFolder,
    to: TreePath,
    { replaces = false, signal }: { readonly replaces?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly isNew: boolean }> {
    const wish = { from: cid, to, replaces, held: null };
    await this.#topAt(to);
    const { node } = await this.#taken(to.path.at(-1) ?? to.folder, {
      root: parseCid(cid),
      attributes: attributes === null ? null : parseCid(attributes),
      signal,
    });
    return this.#placeComing(node, wish);
  }

  /** Puts what is in no place yet, and was made for this, in its place. */
  async #placeComing(
    coming: number,
    wish: Omit<Placing, 'find'>,
    check: () => void = () => undefined,
  ): Promise<{ readonly isNew: boolean }> {
    let isPlaced = false;
    const find = (): FolderNode => {
      check();
      const node = this.#table.node(coming);
      if (node === null) throw wentAway(wish.to);
      return node;
    };
    try {
      return await this.#place({ ...wish, find }, (_, parent, base) => {
        this.#table.move(coming, parent, base);
        // The folder itself is built again: sizes that others tell of it may be wrong.
        this.#table.touch(coming);
        isPlaced = true;
      });
    } finally {
      if (!isPlaced) await this.#drop(coming);
    }
  }

  /** After a put of the whole: a tree that is older goes. One that was made of it, or took its name since, stays. */
  async replaced(name: string): Promise<void> {
    if (this.#table.top(name) === null) return;
    await this.#holding([name], () =>
      this.#table.write(() => {
        const top = this.#table.top(name);
        const later = ownEntries(this.#ports, name).filter((entry) => !this.#isLeft(entry));
        if (top !== null && later.some(({ cid }) => !this.#table.hasVersion(name, cid.bytes)))
          this.#table.detach(top.node);
      }),
    );
    this.#clean();
  }

  /**
   * A whole own folder that was changed here, with its name: one step. `check` throws to keep it. False when no tree
   * stands for the name. It is gone here at once, and for others when they can be told.
   */
  async end(name: string, check: (there: Removed) => void = () => undefined): Promise<boolean> {
    if (this.#table.top(name) === null) return false;
    const isEnded = await this.#holding([name], () =>
      this.#table.write(() => {
        const top = this.#table.top(name);
        if (top === null) return false;
        const isCurrent = !this.#isPutAgain(name);
        if (isCurrent) {
          check(shownEntry(top));
          this.#leave(name, name);
        }
        this.#table.detach(top.node);
        return isCurrent;
      }),
    );
    if (isEnded) await this.#endLeft();
    this.#clean();
    return isEnded;
  }

  /**
   * While names change what they stand for nothing of them is published: what has begun would write a root under a
   * name that is another's by then.
   */
  async #holding<Result>(names: readonly string[], change: () => Promise<Result>): Promise<Result> {
    const states = [...new Set(names)].map((name) => this.#stateOf(name));
    for (const state of states) {
      state.held += 1;
      state.timer?.cancel();
      state.timer = null;
    }
    try {
      await Promise.all(states.map(({ running }) => running));
      return await change();
    } finally {
      for (const state of states) {
        state.held -= 1;
        if (state.held > 0) continue;
        const top = this.#table.top(state.name);
        if (top === null) {
          state.timer?.cancel();
          this.#publishing.delete(state.name);
        } else if (this.#isUnpublished(top)) this.#wake(state.name);
      }
    }
  }

  /** Its entries end when `to` is published. Inside a write. */
  #leave(name: string, to: string): void {
    for (const { name: from, sequence } of ownEntries(this.#ports, name)) this.#table.leave({ from, to, sequence });
  }

  #endLeft(): Promise<void> {
    this.#endingLeft ??= this.#endAllLeft().finally(() => {
      this.#endingLeft = null;
    });
    return this.#endingLeft;
  }

  /** Names that stand for nothing any more, unless they were put again since. What cannot be told now is told later. */
  async #endAllLeft(): Promise<void> {
    let isMore = false;
    for (const left of this.#table.allLeft()) {
      const top = this.#table.top(left.to);
      if (top !== null && this.#isUnpublished(top)) continue;
      const own = this.#ports.names.own(left.from);
      try {
        // What is being put may fail yet.
        if (this.#ports.names.isStoring(left.from)) isMore = true;
        else {
          if (own !== null && own.sequence <= left.sequence) await endOwn(this.#ports, left.from, own.sequence);
          await this.#table.leftEnded(left);
        }
      } catch (error) {
        this.#failed(error as Error);
        isMore = true;
      }
    }
    if (!isMore || this.#isClosed) return;
    this.#endingTimer?.cancel();
    this.#endingTimer = this.#ports.data.clock.after(endAgainMilliseconds, () => this.#clean());
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
    if (this.#ownEntry(name)?.type === 'file')
      throw new ChordialError('bad-request', `${JSON.stringify(name)} is a file, not a folder.`);
    // It was put again as a whole: that is later than any change here.
    await this.replaced(name);
    const own = this.#ownEntry(name);
    if (own === null) return null;
    const attributes = own.attributes instanceof CID ? own.attributes : null;
    return this.#takeOver(name, own.cid, attributes, null);
  }

  /** A tree of what is published. */
  async #takeOver(name: string, root: CID, attributes: CID | null, before: FolderNode | null): Promise<FolderNode> {
    const { node, size } = await this.#taken(name, { root, attributes });
    try {
      await this.#table.write(() => {
        // What was written meanwhile is in no version, and is not dropped.
        if (before !== null && this.#table.node(before.node)?.changes !== 0) throw changedMeanwhile(name);
        const own = this.#ownEntry(name);
        if (before === null && (this.#table.top(name) !== null || own === null || !isSame(own.cid, root.bytes)))
          throw changedMeanwhile(name);
        if (before !== null) this.#table.detach(before.node);
        this.#table.move(node, 0, name);
        if (before !== null) this.#table.touch(node);
        else {
          const listed = attributes?.bytes ?? null;
          this.#addVersion(name, { began: this.#now(), cid: root.bytes, size, attributes: listed });
        }
      });
      return this.#table.node(node)!;
    } catch (error) {
      await this.#drop(node);
      throw error;
    }
  }

  /** A tree of a published folder, in no place yet: one part keeps all of its blocks. */
  async #taken(
    base: string,
    {
      root,
      attributes,
      signal,
    }: { readonly root: CID; readonly attributes: CID | null; readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly node: number; readonly size: number }> {
    const { closing } = this.#ports;
    const ends = signal === undefined ? closing : AbortSignal.any([closing, signal]);
    const fetch = fetchBlocks(this.#ports.fetcherOf(root), ends);
    const { part, content } = await this.#put({ signal: ends }, async (write) => {
      const { blocks: own, size } = await treeBlocks(root, fetch, ends);
      const ofList = attributes === null ? null : await treeBlocks(attributes, fetch, ends).catch(() => null);
      const blocks = [...own, ...(ofList?.blocks ?? [])];
      for (const some of chunks(blocks, blocksPutAtOnce)) for await (const block of fetch(some)) await write(block);
      return { cid: root, size, type: 'directory', sha256: null, blocks: blocks.length };
    });
    let top: number | null = null;
    try {
      const list =
        attributes === null
          ? null
          : await readAttributeList(readFile(this.#ports, attributes.toString(), undefined, ends)).catch(() => null);
      const folder = await openContent(root, fetch);
      if (folder.type === 'file') throw new ChordialError('bad-request', `${JSON.stringify(base)} is a file.`);
      const fresh = { base, isFolder: true, cid: root.bytes, executable: false, part, changes: 0, properties: null };
      const made = await this.#table.write(() => {
        this.#table.partPut(part, content.size);
        return this.#table.addComing({ ...fresh, size: content.size, stored: 0, modified: this.#now() });
      });
      top = made;
      await this.#takeEntries(folder, made, '', { part, list, entries: 0, fetch });
      return { node: made, size: content.size };
    } catch (error) {
      if (top !== null) await this.#drop(top);
      else {
        await this.#table.dropPart(part);
        this.#clean();
      }
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
  ): Promise<number> {
    let bytes = 0;
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
        const size = await this.#takeEntries(content, node, `${above}${name}/`, taking);
        await this.#table.write(() => this.#table.setSize(node, size));
        bytes += size;
      } else {
        const size = content?.size ?? stored;
        rows.push({ ...row, isFolder: false, size, executable });
        bytes += size;
      }
      if (rows.length >= rowsPerPage) await write();
    }
    await write();
    return bytes;
  }

  /** Its name has a root that no tree here had: a later put of the whole. */
  #isPutAgain(name: string): boolean {
    const own = this.#ports.names.own(name);
    return own !== null && !this.#table.hasVersion(name, own.cid.bytes) && !this.#isLeft(own);
  }

  #isLeft({ name, sequence }: NameEntry): boolean {
    return sequence <= (this.#table.left(name)?.sequence ?? 0);
  }

  #ownEntry(name: string): NameEntry | null {
    return ownEntries(this.#ports, name).find((entry) => !this.#isLeft(entry)) ?? null;
  }

  /** The network has another root than the tree here, or one that is about to end, or the tree changed since that was built. */
  #isUnpublished({ base, changes, cid }: FolderNode): boolean {
    const own = this.#ports.names.own(base);
    return changes > 0 || cid === null || own === null || this.#isLeft(own) || !isSame(own.cid, cid);
  }

  async #makeTop(name: string): Promise<void> {
    const checked = checkPutName(name);
    const refused = thereAlready({ folder: checked, path: [] });
    if ((await this.#open(checked)) !== null || this.#ownEntry(checked) !== null) throw refused;
    await this.#changing(checked, null, () => {
      if (this.#table.top(checked) !== null || this.#ownEntry(checked) !== null) throw refused;
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
    const fresh = this.#table.node(top.node);
    // A folder that was removed, replaced or renamed meanwhile has nothing in it.
    let node = fresh?.parent === 0 && fresh.base === top.base ? fresh : null;
    for (const base of checkedPath(path)) {
      if (node === null) return null;
      node = this.#table.child(node.node, base);
    }
    return node;
  }

  /** Of the whole folder that it is in now. */
  #nameOver(node: FolderNode): string {
    let top = node;
    for (let above = this.#table.node(top.node); above !== null; above = this.#table.node(top.parent)) top = above;
    return top.base;
  }

  #folderAt(top: FolderNode, at: TreePath): FolderNode {
    const node = this.#find(top, at.path);
    if (node === null) throw notThere(at);
    if (node.isFolder) return node;
    throw new ChordialError('bad-request', `${shownPath(at)} is a file, and nothing can be in it.`);
  }

  #checkFile(there: FolderNode | null, at: TreePath, { replacesFolder = false }: WriteOptions): void {
    if (there?.isFolder && !replacesFolder)
      throw new ChordialError('already-exists', `${shownPath(at)} is a folder. Remove it, or write elsewhere.`);
  }

  /** Null for the whole of an own folder. Throws `not-found`. */
  async #topAt({ folder, path }: TreePath): Promise<FolderNode | null> {
    return path.length === 0 ? null : this.#opened(folder);
  }

  #sourceIn(top: FolderNode, from: TreePath): FolderNode {
    const node = this.#find(top, from.path);
    if (node === null) throw notThere(from);
    if (from.path.length === 0 && this.#isPutAgain(node.base)) throw changedMeanwhile(node.base);
    return node;
  }

  async #place(
    wish: Placing,
    act: (node: FolderNode, parent: number, base: string) => void,
  ): Promise<{ readonly isNew: boolean }> {
    const { find, to, held } = wish;
    const top = await this.#topAt(to);
    const names = [...(top === null ? [checkPutName(to.folder)] : []), ...(held === null ? [] : [held])];
    const isNew = await this.#holding(names, () =>
      this.#changing(to.folder, null, () => {
        const node = find();
        const { parent, base, there, isThere } = this.#placeFor(node, wish, top);
        if (there?.node === node.node) return false;
        if (there !== null) this.#table.detach(there.node);
        if (parent === 0) this.#leave(base, base);
        act(node, parent, base);
        return !isThere;
      }),
    );
    if (!isNew) this.#clean();
    return { isNew };
  }

  /** Where something is to be placed, and what is there. Throws as `move` does. */
  #placeFor(node: FolderNode, { from, to, replaces }: Omit<Placing, 'find'>, top: FolderNode | null) {
    if (top === null && !node.isFolder)
      throw new ChordialError(
        'bad-request',
        `${shownPath(to)} would be a whole folder, and ${from} is a file. Name something in a folder.`,
      );
    const { folder, above, base } = top === null ? { ...to, above: [], base: checkPutName(to.folder) } : split(to);
    const parent = top === null ? 0 : this.#folderAt(top, { folder, path: above }).node;
    if (this.#table.isWithin(parent, node.node))
      throw new ChordialError('bad-request', `${from} cannot be put into itself.`);
    const there = this.#table.child(parent, base);
    const isThere = there !== null || (top === null && this.#ownEntry(base) !== null);
    if (isThere && there?.node !== node.node) {
      if (!replaces) throw thereAlready(to);
      if (there !== null && this.#table.isWithin(node.node, there.node))
        throw new ChordialError('bad-request', `${shownPath(to)} holds ${from}, and cannot be replaced by it.`);
    }
    const height = node.isFolder ? this.#table.heightOf(node.node, maxFolderDepth + 1) : 0;
    if (this.#table.depthOf(parent) + height > maxFolderDepth) throw tooDeep(to);
    return { parent, base, there, isThere };
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
      await this.#thinVersions();
      await this.#dropUnneeded();
      await this.#endLeft();
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
      held: 0,
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
    if (this.#isClosed || state.held > 0 || state.running !== null) return;
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
    for (;;) {
      const top = this.#table.top(name);
      const state = this.#stateOf(name);
      if (top === null || state.held > 0 || !this.#isUnpublished(top)) return;
      state.timer?.cancel();
      state.timer = null;
      await this.#run(state);
    }
  }

  /** One run at a time; a failed one is tried again, ever more rarely. */
  #run(state: Publishing): Promise<void> {
    if (state.running !== null) return state.running;
    if (state.held > 0) return Promise.resolve();
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
        if (this.#isClosed || state.held > 0) return;
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
    const check = (): void => {
      // A put of the whole is later than what is built here.
      if (this.#isPutAgain(name) || this.#ports.names.isStoring(name)) throw changedMeanwhile(name);
    };
    await publishing(this.#ports, name, { check }, async (write) => {
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

const emptyFolder = {
  base: '',
  isFolder: true,
  cid: null,
  size: 0,
  stored: 0,
  executable: false,
  part: null,
  changes: 1,
  properties: null,
};

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
