/**
 * One signature for several entries published together, such as the postings of a name: the publisher signs the root of
 * the Merkle tree over what it would otherwise sign for each, and each entry carries that signature with its own proof,
 * so that it is still verified, stored and repaired alone. A host that has verified one entry only hashes for the
 * others.
 *
 * In place of a signature an entry has: signature of the root (64 bytes), root (32), index of the entry and number of
 * entries (2 bytes each, big-endian), proof (at most 6 hashes of 32).
 */
import { hashBytes, hashOfLeaf, merkleTree, parent, proveRun, rootOf, splitProof } from './merkle-run.ts';

/** Six levels of hashes in each entry. */
export const maxEntriesSigned = 64;
export const plainSignatureBytes = 64;
const headBytes = plainSignatureBytes + hashBytes + 4;
const maxLevels = 6;
const domain = 'chordial records v1\0';
const encoder = new TextEncoder();

export interface GroupSignature {
  /** Of `signedRootBytes`. */
  readonly signature: Uint8Array;
  readonly root: Uint8Array;
  readonly place: number;
  readonly count: number;
  readonly proof: readonly Uint8Array[];
}

/** What the publisher signs for all of them. */
export function signedRootBytes(networkId: string, root: Uint8Array, count: number): Uint8Array {
  return Buffer.concat([encoder.encode(`${domain}${networkId}\0${count}\0`), root]);
}

/** @param signed what would be signed for each alone; 2 to `maxEntriesSigned`. Returns what replaces each one's signature. */
export function signTogether(
  signed: readonly Uint8Array[],
  networkId: string,
  sign: (bytes: Uint8Array) => Uint8Array,
): readonly Uint8Array[] {
  const tree = merkleTree(signed.map(hashOfLeaf));
  const root = rootOf(tree);
  const signature = sign(signedRootBytes(networkId, root, signed.length));
  return signed.map((_, place) => {
    const numbers = Buffer.alloc(4);
    numbers.writeUInt16BE(place, 0);
    numbers.writeUInt16BE(signed.length, 2);
    return Uint8Array.from(Buffer.concat([signature, root, numbers, ...proveRun(tree, place, 1)]));
  });
}

/** Whether the length is that of a signature or its replacement. */
export function isSignatureLength(bytes: number): boolean {
  const proof = bytes - headBytes;
  return bytes === plainSignatureBytes || (proof > 0 && proof <= maxLevels * hashBytes && proof % hashBytes === 0);
}

/** @param bytes of a length accepted by `isSignatureLength`; null for a plain signature */
export function readSharedSignature(bytes: Uint8Array): GroupSignature | null {
  if (bytes.length === plainSignatureBytes) return null;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    signature: view.subarray(0, plainSignatureBytes),
    root: view.subarray(plainSignatureBytes, plainSignatureBytes + hashBytes),
    place: view.readUInt16BE(plainSignatureBytes + hashBytes),
    count: view.readUInt16BE(plainSignatureBytes + hashBytes + 2),
    proof: splitProof(view.subarray(headBytes)),
  };
}

/** Verified nodes of one tree, by level and index; for a known node all siblings on its path are known. */
export type KnownNodes = Map<number, Uint8Array>;

/**
 * Whether an entry is under the root; the signature of the root is not checked.
 * @param known of this root and count; extended with what is verified. From a known node on nothing is hashed any more,
 * but each hash of the proof must equal the known one: an entry is passed on to others, who check all of it.
 */
export function isUnderRoot(
  signed: Uint8Array,
  { root, place, count, proof }: GroupSignature,
  known: KnownNodes = new Map(),
): boolean {
  if (count < 2 || count > maxEntriesSigned || place >= count) return false;
  const found: [number, Uint8Array][] = [];
  let [node, at, used, isKnown] = [hashOfLeaf(signed), place, 0, false];
  for (let [level, size] = [0, count]; size > 1; [level, size] = [level + 1, Math.ceil(size / 2)]) {
    isKnown ||= isSame(known.get(nodeKey(level, at)), node);
    const isAlone = at % 2 === 0 && at + 1 === size;
    const sibling = isAlone ? undefined : proof[used++];
    if (!isAlone && sibling === undefined) return false;
    if (!isKnown) {
      found.push([nodeKey(level, at), node]);
      if (sibling !== undefined) found.push([nodeKey(level, at ^ 1), sibling]);
      node = sibling !== undefined && at % 2 === 1 ? parent(sibling, node) : parent(node, sibling);
    } else if (sibling !== undefined && !isSame(known.get(nodeKey(level, at ^ 1)), sibling)) return false;
    at >>= 1;
  }
  if (used !== proof.length || (!isKnown && !isSame(root, node))) return false;
  // Copies, or each would retain the message that it came in.
  for (const [key, hash] of found) known.set(key, Uint8Array.from(hash));
  return true;
}

function nodeKey(level: number, place: number): number {
  return level * maxEntriesSigned + place;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
