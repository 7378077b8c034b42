/** Cuts encoded entries, passed in order, into leaves: slices of one piece of memory, under one Merkle root. */
import { hashOfLeaf, type MerkleTree, merkleTree, rootOf } from './merkle-run.ts';
import { maxLeafBytes, maxLeafEntries } from './share-leaf.ts';

export interface ShareBatch {
  readonly root: Uint8Array;
  readonly entries: number;
  /** In the order of their keys. */
  readonly leaves: readonly Uint8Array[];
  /** Cell of each leaf; non-decreasing. */
  readonly cells: readonly number[];
  readonly tree: MerkleTree;
  /** The memory of which leaves are slices. */
  readonly memory: Buffer;
}

export class LeafCutter {
  readonly #from: Buffer;
  readonly #to: Buffer;
  #end = 0;
  readonly #leaves: Uint8Array[] = [];
  readonly #cells: number[] = [];
  #entries = 0;
  /** The leaf that entries are being added to. */
  #leafStart = 0;
  #leafEntries = 0;
  #leafCell = 0;

  /** @param to at least as large as all entries */
  constructor(from: Buffer, to: Buffer) {
    this.#from = from;
    this.#to = to;
  }

  add(cell: number, start: number, end: number): void {
    const isFull = this.#leafEntries === maxLeafEntries || this.#end - this.#leafStart + end - start > maxLeafBytes;
    if (isFull || cell !== this.#leafCell) this.#close();
    this.#leafCell = cell;
    this.#leafEntries += 1;
    this.#end += this.#from.copy(this.#to, this.#end, start, end);
  }

  batch(): ShareBatch {
    this.#close();
    const [leaves, cells, entries] = [this.#leaves, this.#cells, this.#entries];
    const tree = merkleTree(leaves.map(hashOfLeaf));
    return { root: rootOf(tree), entries, leaves, cells, tree, memory: this.#to };
  }

  #close(): void {
    if (this.#leafEntries === 0) return;
    this.#leaves.push(this.#to.subarray(this.#leafStart, this.#end));
    this.#cells.push(this.#leafCell);
    this.#entries += this.#leafEntries;
    this.#leafEntries = 0;
    this.#leafStart = this.#end;
  }
}
