/** Cuts encoded entries, handed in in their order, into leaves: parts of one piece of memory, under one Merkle root. */
import { hashOfLeaf, merkleTree, rootOf } from './merkle-run.ts';
import type { ShareBatch } from './share-batch.ts';
import { maximumLeafBytes, maximumLeafEntries } from './share-leaf.ts';

export class LeafCutter {
  readonly #from: Buffer;
  readonly #to: Buffer;
  #end = 0;
  readonly #leaves: Uint8Array[] = [];
  readonly #cells: number[] = [];
  #entries = 0;
  /** Of the leaf that entries are added to. */
  #leafStart = 0;
  #leafEntries = 0;
  #leafCell = 0;

  /** @param to of at least as many bytes as all entries have */
  constructor(from: Buffer, to: Buffer) {
    this.#from = from;
    this.#to = to;
  }

  add(cell: number, start: number, end: number): void {
    const isFull =
      this.#leafEntries === maximumLeafEntries || this.#end - this.#leafStart + end - start > maximumLeafBytes;
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
