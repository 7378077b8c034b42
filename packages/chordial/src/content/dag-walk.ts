/**
 * Walks a DAG block by block, depth first, as CARs have them: the blocks of a path, then what a wish asks for below its end.
 * Nodes are fetched and verified here; leaves are listed in runs for the caller to fetch.
 *
 * The DAG is hostile until checked: depth, nodes and blocks are bounded, and what all walks hold at once too.
 */
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { type Block, dagPbCodec, inlineBytes, maxBlockBytes, rawCodec } from './cid.ts';
import { DirectoryContent } from './directory-reader.ts';
import { maxDepth } from './file-reader.ts';
import { type FetchBlocks, fetchOne } from './node-source.ts';
import { badContent, decodeLinks, decodeUnixfs, type UnixfsNode } from './unixfs.ts';
import { maxFolderDepth, maxWalkedEntries, maxWalkedNodes } from './walk.ts';

/** Blocks already sent that one walk holds, some 60 bytes each. A link of an open node counts as four. */
export const maxHeldOfWalk = 262_144;
/** The same of all walks of a peer: a few of the largest do not take the room of others. */
export const maxHeldOfAllWalks = 2_097_152;
const heldPerLink = 4;
/** Nodes of a path that are not fetched twice. */
export const maxPathBytes = 512 * 1024;
/** A leaf whose size no node tells. */
const unknownLeafBytes = 256 * 1024;
/** Levels of nodes below the end of a path: 64 folders, each with 8 levels of shards, and a file. */
const maxNodeDepth = (maxFolderDepth + 1) * 9 + maxDepth;

/** First and last byte, from the end of the file where negative; null: to its end. */
export interface ByteWish {
  readonly from: number;
  readonly to: number | null;
}

export interface DagWish {
  /** Names below the root. */
  readonly path: readonly string[];
  /** What is wanted of the content at the end of the path: its first block, the file or list of the folder, or all below it. */
  readonly scope: 'block' | 'entity' | 'all';
  /** Of a file, with scope `entity`. */
  readonly range?: ByteWish | null;
  /** Whether a block is given again each time that it occurs. */
  readonly repeats?: boolean;
}

/** A leaf to be fetched; the size is a guess. */
export interface WantedLeaf {
  readonly cid: CID;
  readonly size: number;
}

/** A node, or leaves one after another. */
export type WalkStep = { readonly node: Block } | { readonly leaves: Iterable<WantedLeaf> };

/** What walks may hold. */
export class WalkRoom {
  #held = 0;

  /** Throws `busy`. */
  take(count: number): void {
    if (this.#held + count > maxHeldOfAllWalks)
      throw new ChordialError('busy', 'Too many large contents are read at once. Try again in a moment.');
    this.#held += count;
  }

  give(count: number): void {
    this.#held -= count;
  }
}

/** The end of a path. */
export interface FoundDag {
  /** Of each name of the path, the root first. */
  readonly roots: readonly CID[];
  readonly cid: CID;
  /** Bytes of a file; null for anything else. */
  readonly size: number | null;
  /** Blocks that lead there, with the one at the end. */
  readonly path: readonly CID[];
}

/**
 * Finds the end of the path. Throws `not-found` for a name that is not there, `bad-content`, and what `fetch` throws.
 */
export async function findDag(root: CID, path: readonly string[], fetch: FetchBlocks): Promise<FoundDag> {
  if (path.length > maxFolderDepth)
    throw new ChordialError('not-found', `The path has more than ${maxFolderDepth} names, more than any folder holds.`);
  const fetched: CID[] = [];
  const noting: FetchBlocks = async function* (cids) {
    fetched.push(...cids);
    yield* fetch(cids);
  };
  const roots = [root];
  let block = await fetchOne(root, noting);
  for (const name of path) {
    const node = block.cid.code === dagPbCodec ? nodeOf(block) : null;
    const folder =
      node === null || node.type === 'file' || node.type === 'other'
        ? null
        : new DirectoryContent(block.cid, node, noting);
    const entry = (await folder?.entry(name)) ?? null;
    if (entry === null)
      throw new ChordialError('not-found', `${JSON.stringify(name.slice(0, 255))} is not in ${block.cid}.`);
    roots.push(entry.cid);
    block = await fetchOne(entry.cid, noting);
  }
  const node = block.cid.code === dagPbCodec ? nodeOf(block) : null;
  const size =
    node === null && block.cid.code === rawCodec ? block.bytes.length : node?.type === 'file' ? node.size : null;
  return { roots, cid: block.cid, size, path: fetched };
}

/** Bytes first … last of a file of this size that a wish names, both inclusive; null when it has none of them. */
function wishedBytes(
  { range = null }: Pick<DagWish, 'range'>,
  size: number,
): { readonly first: number; readonly last: number } | null {
  if (range === null) return { first: 0, last: Math.max(0, size - 1) };
  const start = range.from < 0 ? size + range.from : range.from;
  const first = Math.max(0, start);
  const end = range.to === null ? size - 1 : range.to < 0 ? size + range.to : range.to;
  // One that begins before the file is as long as it was named: gateway-conformance wants it so.
  const last = Math.min(size - 1, end + first - start);
  return first > last ? null : { first, last };
}

/** A node of which blocks below are still to come. */
interface Open {
  readonly links: readonly OpenLink[];
  next: number;
}

interface OpenLink {
  readonly cid: CID;
  readonly size: number | null;
  /** Where its bytes begin in the file. */
  readonly offset: number;
}

/** The blocks of a found DAG in order, those of the path first. Throws `busy`, `bad-content`, and what `fetch` throws. */
export class DagWalk {
  readonly #found: FoundDag;
  readonly #wish: DagWish;
  readonly #fetch: FetchBlocks;
  readonly #room: WalkRoom;
  readonly #bytes: { readonly first: number; readonly last: number } | null;
  /** By multihash and codec; null where blocks are repeated. */
  readonly #sent: Set<string> | null;
  readonly #open: Open[] = [];
  #held = 0;
  #blocks = 0;
  #nodes = 0;

  constructor(found: FoundDag, wish: DagWish, fetch: FetchBlocks, room: WalkRoom) {
    this.#found = found;
    this.#wish = wish;
    this.#fetch = fetch;
    this.#room = room;
    this.#bytes = found.size === null ? null : wishedBytes(wish, found.size);
    this.#sent = wish.repeats === true ? null : new Set();
  }

  async *steps(): AsyncGenerator<WalkStep, void, undefined> {
    try {
      const { path, cid, size } = this.#found;
      for (const one of path.slice(0, -1)) yield* this.#single(one, null);
      // The end of a path may be inside the CID itself, and is no block then.
      const isBlock = inlineBytes(cid) === null;
      if (!isBlock && path.length > 0) yield* this.#single(path.at(-1)!, null);
      const isEnd = this.#wish.scope === 'block' || (size !== null && this.#bytes === null);
      if (cid.code !== dagPbCodec || isEnd) {
        if (isBlock) yield* this.#single(cid, size);
        if (this.#wish.scope === 'all' && !isWalkable(cid)) throw unknownLinks(cid);
        return;
      }
      const end = await this.#node(cid);
      if (isBlock && this.#isFresh(cid)) yield { node: end };
      this.#enter(end, 0);
      yield* this.#below();
    } finally {
      this.#room.give(this.#held);
      this.#held = 0;
    }
  }

  async *#below(): AsyncGenerator<WalkStep, void, undefined> {
    for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
      const link = open.links[open.next];
      if (link === undefined) {
        this.#open.pop();
        this.#give(open.links.length * heldPerLink);
        continue;
      }
      if (isLeaf(link)) {
        yield { leaves: this.#run(open) };
        continue;
      }
      open.next += 1;
      const { cid, offset } = link;
      if (!isWalkable(cid)) throw unknownLinks(cid);
      const isInline = inlineBytes(cid) !== null;
      const isFresh = isInline || this.#isFresh(cid);
      // All below it came with it, but for a part of a file.
      if (!isFresh && (this.#wish.range ?? null) === null) continue;
      const node = await this.#node(cid);
      if (isFresh && !isInline) yield { node };
      this.#enter(node, offset);
    }
  }

  /** The leaves from here on, as far as no node is between them. */
  *#run(open: Open): Generator<WantedLeaf, void, undefined> {
    for (let link = open.links[open.next]; link !== undefined && isLeaf(link); link = open.links[open.next]) {
      open.next += 1;
      if (inlineBytes(link.cid) === null && this.#isFresh(link.cid))
        yield { cid: link.cid, size: Math.min(link.size || unknownLeafBytes, maxBlockBytes) };
    }
  }

  async *#single(cid: CID, size: number | null): AsyncGenerator<WalkStep, void, undefined> {
    if (!this.#isFresh(cid)) return;
    if (cid.code === rawCodec) yield { leaves: [{ cid, size: size ?? unknownLeafBytes }] };
    else yield { node: await fetchOne(cid, this.#fetch) };
  }

  /** Notes it as sent; false when it was before, and is not repeated. */
  #isFresh(cid: CID): boolean {
    if (this.#sent !== null) {
      // Sixteen bytes of the hash and the codec: fewer than a whole CID, and no two blocks share them.
      const key = `${Buffer.from(cid.multihash.digest.subarray(0, 16)).toString('latin1')}${cid.code}`;
      if (this.#sent.has(key)) return false;
      this.#take(1);
      this.#sent.add(key);
    }
    this.#blocks += 1;
    if (this.#blocks > maxWalkedEntries)
      throw badContent(this.#found.cid, `it has more than ${maxWalkedEntries} blocks`);
    return true;
  }

  #node(cid: CID): Promise<Block> {
    this.#nodes += 1;
    if (this.#nodes > maxWalkedNodes) throw badContent(this.#found.cid, `it has more than ${maxWalkedNodes} nodes`);
    return fetchOne(cid, this.#fetch);
  }

  #enter(block: Block, offset: number): void {
    if (this.#open.length > maxNodeDepth) throw badContent(this.#found.cid, 'it is too deep');
    const links = this.#linksOf(block, offset);
    this.#take(links.length * heldPerLink);
    this.#open.push({ links, next: 0 });
  }

  #linksOf(block: Block, offset: number): readonly OpenLink[] {
    const node = nodeOf(block);
    const isWhole = this.#wish.scope === 'all';
    const isRoot = this.#open.length === 0;
    if (node.type === 'file') return this.#parts(node, offset, isWhole);
    if (isWhole) return node.links.map(({ cid, size }) => ({ cid, size, offset: 0 }));
    // Of a file, only parts of a file; of a folder, only its shards.
    if (!isRoot && node.type !== 'shard') throw badContent(block.cid, 'it is no part of a file');
    if (node.type !== 'shard') return [];
    return node.links.filter(({ name }) => name.length === 2).map(({ cid }) => ({ cid, size: null, offset: 0 }));
  }

  #parts(node: Extract<UnixfsNode, { type: 'file' }>, offset: number, isWhole: boolean): readonly OpenLink[] {
    let at = offset + node.data.length;
    const parts = node.children.map(({ cid, size }) => {
      at += size;
      return { cid, size, offset: at - size };
    });
    const bytes = this.#bytes;
    if (isWhole || bytes === null || (this.#wish.range ?? null) === null) return parts;
    return parts.filter(({ offset: start, size }) => size > 0 && start <= bytes.last && start + size > bytes.first);
  }

  #take(count: number): void {
    if (this.#held + count > maxHeldOfWalk)
      throw badContent(
        this.#found.cid,
        `it has more than ${maxHeldOfWalk} blocks, too many to leave out those that repeat`,
      );
    this.#room.take(count);
    this.#held += count;
  }

  #give(count: number): void {
    this.#room.give(count);
    this.#held -= count;
  }
}

function isLeaf({ cid }: OpenLink): boolean {
  return cid.code === rawCodec;
}

type AnyNode =
  | UnixfsNode
  | { readonly type: 'other'; readonly links: readonly { readonly cid: CID; readonly size: number }[] };

/** Nodes that are neither file nor folder, such as symbolic links, have links all the same. */
function nodeOf(block: Block): AnyNode {
  try {
    return decodeUnixfs(block);
  } catch (error) {
    if (!(error instanceof ChordialError) || error.code !== 'bad-content') throw error;
    return { type: 'other', links: decodeLinks(block) };
  }
}

/** Whether the links of what this CID names are known here. */
export function isWalkable({ code }: CID): boolean {
  return code === rawCodec || code === dagPbCodec;
}

function unknownLinks(cid: CID): ChordialError {
  return new ChordialError(
    'bad-content',
    `${cid} has the codec 0x${cid.code.toString(16)}, whose links are not known here. Ask for its blocks one by one.`,
  );
}
