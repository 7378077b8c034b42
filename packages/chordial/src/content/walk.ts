/**
 * Walks whole trees: the entries below a folder, and every block of a content. Bounded in nodes, entries and depth,
 * since four blocks can name a thousand million entries.
 */
import { setImmediate } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { type Block, dagPbCodec, inlineBytes, rawCodec } from './cid.ts';
import type { DirectoryContent } from './directory-reader.ts';
import type { FileContent } from './file-reader.ts';
import { type FetchBlocks, fetchNodes } from './node-source.ts';
import { openContent } from './reader.ts';
import { badContent, type UnixfsNode } from './unixfs.ts';

export const maxWalkedEntries = 2 ** 20;
export const maxWalkedNodes = 2 ** 18;
/** Depth of folders; each level costs memory, in a put as in a get. */
export const maxFolderDepth = 64;
/** Depth of nodes: per folder its own and 8 levels of shards, and 8 levels of a file. */
const maxNodeDepth = (maxFolderDepth + 1) * 9 + 8;
/** Most recently opened files and folders that are cached; hostile ones take 12 MB each. */
const maxKept = 8;
/** Yields to the event loop after this many entries. */
const entriesPerTurn = 512;
const maxNodeConcurrency = 16;

export interface WalkedEntry {
  /** Relative to the folder, separated by "/"; never escapes it. */
  readonly path: string;
  readonly cid: CID;
  /** Bytes of a file; for a folder the unverified size of its entry. */
  readonly size: number;
  readonly type: 'file' | 'directory';
}

export interface TreeBlocks {
  /** Nodes and leaves, each once; identity CIDs are not blocks. */
  readonly blocks: readonly CID[];
  /** Bytes of the file, or of all files below the folder. */
  readonly size: number;
}

/**
 * Entries below a folder, each folder before its contents. Throws `bad-content` beyond the limits, and `interrupted`
 * when the signal fires.
 */
export async function* walkFolder(
  folder: DirectoryContent,
  fetch: FetchBlocks,
  signal?: AbortSignal,
  maxEntries = maxWalkedEntries,
): AsyncGenerator<WalkedEntry, void, undefined> {
  const walk = new Walk(folder.cid, fetch, maxEntries, signal);
  // Opened here so that its shards count as well.
  const root = await openContent(folder.cid, walk.fetch);
  if (root.type === 'directory') yield* walk.entriesOf(root, '', 0);
}

/** Every block of a file or folder. Throws `bad-content` and `interrupted` like `walkFolder`. */
export async function treeBlocks(root: CID, fetch: FetchBlocks, signal?: AbortSignal): Promise<TreeBlocks> {
  const walk = new Walk(root, fetch, maxWalkedEntries, signal);
  const found = new Map<string, CID>();
  const nodes = new Map<string, UnixfsNode>();
  let level: readonly CID[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxNodeDepth) throw badContent(root, 'it is too deep');
    const below: CID[] = [];
    const fresh: CID[] = [];
    for (const cid of level) {
      const key = cid.toString();
      if (found.has(key)) continue;
      found.set(key, cid);
      walk.countEntry();
      if (found.size % entriesPerTurn === 0) await setImmediate();
      if (cid.code === dagPbCodec) fresh.push(cid);
    }
    for (let start = 0; start < fresh.length; start += maxNodeConcurrency) {
      const some = fresh.slice(start, start + maxNodeConcurrency);
      for (const [index, node] of (await fetchNodes(some, walk.fetch)).entries()) {
        nodes.set(some[index]!.toString(), node);
        for (const child of childrenOf(node)) below.push(child.cid);
      }
    }
    level = below;
  }
  const size =
    root.code === rawCodec
      ? ((await openContent(root, walk.fetch)) as { readonly size: number }).size
      : new Sizes(nodes).of(root);
  return { blocks: [...found.values()].filter((cid) => inlineBytes(cid) === null), size };
}

class Walk {
  readonly fetch: FetchBlocks;
  readonly #root: CID;
  readonly #signal: AbortSignal | undefined;
  /** Most recently used last. */
  readonly #kept = new Map<string, FileContent | DirectoryContent>();
  readonly #maxEntries: number;
  #entries = 0;
  #nodes = 0;

  constructor(root: CID, fetch: FetchBlocks, maxEntries: number, signal: AbortSignal | undefined) {
    this.#maxEntries = maxEntries;
    this.#root = root;
    this.#signal = signal;
    this.fetch = (cids) => this.#counted(cids, fetch);
  }

  countEntry(): void {
    this.#checkGoesOn();
    this.#entries += 1;
    if (this.#entries > this.#maxEntries)
      throw badContent(this.#root, `it names more than ${this.#maxEntries} entries`);
  }

  async *entriesOf(
    folder: DirectoryContent,
    above: string,
    depth: number,
  ): AsyncGenerator<WalkedEntry, void, undefined> {
    if (depth > maxFolderDepth) throw badContent(this.#root, `its folders are more than ${maxFolderDepth} levels deep`);
    for await (const { name, cid, size } of folder.entries()) {
      this.countEntry();
      if (this.#entries % entriesPerTurn === 0) await setImmediate();
      const path = above + name;
      // A lone leaf is a file of that many bytes; any other node must be opened to know.
      if (cid.code === rawCodec) {
        yield { path, cid, size, type: 'file' };
        continue;
      }
      const content = await this.#open(cid);
      yield { path, cid, size: content.type === 'file' ? content.size : size, type: content.type };
      if (content.type === 'directory') yield* this.entriesOf(content, `${path}/`, depth + 1);
    }
  }

  async *#counted(cids: readonly CID[], fetch: FetchBlocks): AsyncGenerator<Block, void, undefined> {
    this.#checkGoesOn();
    this.#nodes += cids.length;
    if (this.#nodes > maxWalkedNodes) throw badContent(this.#root, `it has more than ${maxWalkedNodes} nodes`);
    yield* fetch(cids);
  }

  /** Avoids fetching and decoding a node twice in a row: a folder may name one a thousand times. */
  async #open(cid: CID): Promise<FileContent | DirectoryContent> {
    const key = cid.toString();
    const content = this.#kept.get(key) ?? (await openContent(cid, this.fetch));
    this.#kept.delete(key);
    this.#kept.set(key, content);
    const [oldest = key] = this.#kept.keys();
    if (this.#kept.size > maxKept) this.#kept.delete(oldest);
    return content;
  }

  #checkGoesOn(): void {
    if (this.#signal?.aborted)
      throw new ChordialError('interrupted', `The walk through ${this.#root} was interrupted.`);
  }
}

/** Sizes that nodes claim for their children; a node of a file must match its parent's claim. */
class Sizes {
  readonly #nodes: ReadonlyMap<string, UnixfsNode>;
  readonly #known = new Map<string, number>();

  constructor(nodes: ReadonlyMap<string, UnixfsNode>) {
    this.#nodes = nodes;
  }

  of(cid: CID): number {
    const key = cid.toString();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const node = this.#nodes.get(key);
    if (node === undefined) throw badContent(cid, 'it is no node of a tree');
    let size = node.type === 'file' ? node.size : 0;
    for (const child of childrenOf(node)) {
      const isNode = child.cid.code === dagPbCodec;
      if (node.type !== 'file') size += isNode ? this.of(child.cid) : child.size;
      else if (isNode && this.of(child.cid) !== child.size)
        throw badContent(child.cid, `it holds other than the ${child.size} bytes that were announced`);
    }
    this.#known.set(key, size);
    return size;
  }
}

function childrenOf(node: UnixfsNode): readonly { readonly cid: CID; readonly size: number }[] {
  return node.type === 'file' ? node.children : node.links;
}
