/**
 * Merkle trees over a list of leaves, and proofs for contiguous runs of them (the tree of RFC 9162: a last node without
 * a sibling is promoted unchanged). A run of any length is proved by at most 2 · log2 n hashes: at each level its left
 * and right siblings, if any, from the leaves upward.
 */
import { hash } from 'node:crypto';

export const hashBytes = 32;
/** 2^20 leaves: no batch has more. */
export const maxLevels = 20;
/** A leaf after its domain byte, 0. Overwritten for each; leaves longer than those of a batch get a new buffer. */
const marked = new Uint8Array(1 + 8192);
/** Overwritten for each node: everything here is synchronous. */
const pair = new Uint8Array(1 + 2 * hashBytes);
pair[0] = 1;

export function hashOfLeaf(bytes: Uint8Array): Uint8Array {
  const target = bytes.length < marked.length ? marked : new Uint8Array(1 + bytes.length);
  target.set(bytes, 1);
  return hash('sha256', target.subarray(0, 1 + bytes.length), 'buffer');
}

/** All hashes, level by level from the leaves to the root, which is the only hash of the last level. */
export type MerkleTree = readonly (readonly Uint8Array[])[];

/** @param leaves at least one */
export function merkleTree(leaves: readonly Uint8Array[]): MerkleTree {
  const levels = [leaves];
  for (let level = leaves; level.length > 1; ) {
    level = level.flatMap((left, index) => (index % 2 === 1 ? [] : [parent(left, level[index + 1])]));
    levels.push(level);
  }
  return levels;
}

export function rootOf(tree: MerkleTree): Uint8Array {
  return tree.at(-1)![0]!;
}

/** Proof for the leaves `first` … `first + count − 1`. */
export function proveRun(tree: MerkleTree, first: number, count: number): readonly Uint8Array[] {
  let [low, high] = [first, first + count - 1];
  const proof: Uint8Array[] = [];
  for (const level of tree) {
    if (low % 2 === 1) proof.push(level[low - 1]!);
    if (high % 2 === 0 && high + 1 < level.length) proof.push(level[high + 1]!);
    [low, high] = [low >> 1, high >> 1];
  }
  return proof;
}

/**
 * Whether the run belongs to the tree with this root and number of leaves. If so, the proof of each leaf alone, as one
 * byte string; else null.
 */
export function verifyRun(
  { root, leaves: total }: { readonly root: Uint8Array; readonly leaves: number },
  first: number,
  run: readonly Uint8Array[],
  proof: readonly Uint8Array[],
): readonly Uint8Array[] | null {
  if (run.length === 0 || first + run.length > total) return null;
  let [low, size, nodes] = [first, total, [...run]];
  /** Known nodes per level, and the index of the first of them. */
  const known: { readonly from: number; readonly nodes: readonly Uint8Array[] }[] = [];
  let used = 0;
  while (size > 1) {
    const high = low + nodes.length - 1;
    const left = low % 2 === 1 ? proof[used++] : null;
    const right = high % 2 === 0 && high + 1 < size ? proof[used++] : null;
    if (left === undefined || right === undefined) return null;
    if (left !== null) nodes.unshift(left);
    if (right !== null) nodes.push(right);
    const from = left === null ? low : low - 1;
    known.push({ from, nodes });
    nodes = nodes.flatMap((node, index) => (index % 2 === 1 ? [] : [parent(node, nodes[index + 1])]));
    [low, size] = [from >> 1, Math.ceil(size / 2)];
  }
  if (used !== proof.length || Buffer.compare(nodes[0]!, root) !== 0) return null;
  return run.map((_, index) => pathOf(first + index, known));
}

/** The hashes of a proof stored as one byte string. */
export function splitProof(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / hashBytes) }, (_, index) =>
    bytes.subarray(index * hashBytes, (index + 1) * hashBytes),
  );
}

function pathOf(leaf: number, known: readonly { from: number; nodes: readonly Uint8Array[] }[]): Uint8Array {
  const siblings: Uint8Array[] = [];
  let at = leaf;
  for (const { from, nodes } of known) {
    const sibling = nodes[(at ^ 1) - from];
    if (sibling !== undefined) siblings.push(sibling);
    at >>= 1;
  }
  return Buffer.concat(siblings);
}

/** The hash of two nodes; a node without a sibling is promoted unchanged. */
export function parent(left: Uint8Array, right: Uint8Array | undefined): Uint8Array {
  if (right === undefined) return left;
  pair.set(left, 1);
  pair.set(right, 1 + hashBytes);
  return hash('sha256', pair, 'buffer');
}
