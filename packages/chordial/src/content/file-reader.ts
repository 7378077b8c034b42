/** Reads files: finds the leaves that hold a range of bytes, walking only as much of the tree as needed. */
import type { CID } from 'multiformats/cid';
import { dagPbCodec, inlineBytes, maxBlockBytes, rawCodec, verifyBlock } from './cid.ts';
import { type FetchBlocks, fetchNodes } from './node-source.ts';
import { badContent, type FileNode } from './unixfs.ts';

/** 1024^8 leaves exceed any file. */
export const maxDepth = 8;
/** Nodes fetched ahead of the walk to overlap their round trips: 8 GiB of a file. */
const maxNodeConcurrency = 8;

/** A whole leaf of a file: a reader of a range trims the first and the last one itself. */
export interface LeafReference {
  readonly cid: CID;
  /** Where its bytes begin in the file. */
  readonly offset: number;
  readonly length: number;
  /**
   * The bytes, when they are inside a node already fetched (files of other tools); else null, and the block `cid` is
   * raw and holds exactly `length` bytes.
   */
  readonly inline: Uint8Array | null;
}

/**
 * Whether the bytes are the block of this leaf; if not, the host that sent them is at fault. Throws
 * ChordialError('bad-content') when they are but differ in length from what the tree announced: then the file is at
 * fault.
 */
export function verifyLeaf(leaf: LeafReference, bytes: Uint8Array): boolean {
  if (!verifyBlock(leaf.cid, bytes)) return false;
  if (bytes.length === leaf.length) return true;
  throw badContent(leaf.cid, `it holds ${bytes.length} bytes where ${leaf.length} were announced`);
}

/** A file whose tree can be walked. */
export class FileContent {
  readonly type = 'file';
  readonly cid: CID;
  /** Bytes of the file according to its root; every node below must agree. */
  readonly size: number;
  readonly #root: FileNode;
  readonly #fetch: FetchBlocks;

  constructor(cid: CID, root: FileNode, fetch: FetchBlocks) {
    this.cid = cid;
    this.size = root.size;
    this.#root = root;
    this.#fetch = fetch;
  }

  /** The leaves that hold bytes start … end − 1, in order; nodes are fetched as the walk reaches them. */
  async *leaves(start = 0, end: number = this.size): AsyncGenerator<LeafReference, void, undefined> {
    if (start >= end) return;
    yield* this.#walk({ cid: this.cid, node: this.#root, offset: 0, depth: 0 }, { start, end });
  }

  async *#walk(at: Place, range: Range): AsyncGenerator<LeafReference, void, undefined> {
    if (at.node.data.length > 0 && at.offset < range.end && at.offset + at.node.data.length > range.start) {
      yield { cid: at.cid, offset: at.offset, length: at.node.data.length, inline: at.node.data };
    }
    for (const run of runsOf(childrenIn(at, range))) {
      if (run[0]?.cid.code !== dagPbCodec) yield* run.map((child) => leafOf(child, at.cid));
      else for (const place of await this.#descend(run, at)) yield* this.#walk(place, range);
    }
  }

  async #descend(children: readonly Child[], above: Place): Promise<Place[]> {
    const depth = above.depth + 1;
    if (depth > maxDepth) throw badContent(this.cid, `its tree is deeper than ${maxDepth} levels`);
    const nodes = await fetchNodes(
      children.map((child) => child.cid),
      this.#fetch,
    );
    return children.map(({ cid, offset, size }, i): Place => {
      const node = nodes[i];
      if (node?.type !== 'file') throw badContent(this.cid, `its part ${cid} is no part of a file`);
      if (node.size !== size)
        throw badContent(this.cid, `its part ${cid} holds ${node.size} bytes where ${size} were announced`);
      return { cid, node, offset, depth };
    });
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}
interface Place {
  readonly cid: CID;
  readonly node: FileNode;
  readonly offset: number;
  readonly depth: number;
}
interface Child {
  readonly cid: CID;
  readonly offset: number;
  readonly size: number;
}

/** Children without bytes are skipped: a tree of them could be walked without end. */
function* childrenIn({ node, offset }: Place, range: Range): Generator<Child, void, undefined> {
  let position = offset + node.data.length;
  for (const { cid, size } of node.children) {
    if (position >= range.end) return;
    if (size > 0 && position + size > range.start) yield { cid, offset: position, size };
    position += size;
  }
}

/** Groups adjacent children of one kind: nodes to fetch together, or leaves. */
function* runsOf(children: Iterable<Child>): Generator<Child[], void, undefined> {
  let run: Child[] = [];
  for (const child of children) {
    if (run.length > 0 && (run[0]?.cid.code !== child.cid.code || run.length === maxNodeConcurrency)) {
      yield run;
      run = [];
    }
    run.push(child);
  }
  if (run.length > 0) yield run;
}

function leafOf({ cid, offset, size }: Child, parent: CID): LeafReference {
  if (cid.code !== rawCodec) throw badContent(parent, `its part ${cid} has an unknown codec`);
  if (size > maxBlockBytes)
    throw badContent(parent, `its part ${cid} is announced with ${size} bytes, more than a block holds`);
  const inline = inlineBytes(cid);
  if (inline !== null && inline.length !== size)
    throw badContent(parent, `its part ${cid} does not hold ${size} bytes`);
  return { cid, offset, length: size, inline };
}
