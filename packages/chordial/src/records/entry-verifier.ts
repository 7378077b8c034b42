/** Verifies entries and caches the result: holders and readers meet the same ones repeatedly. */
import { hash } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';
import { type EncodedEntry, signedBytesOf } from './entry.ts';
import {
  type GroupSignature,
  isUnderRoot,
  type KnownNodes,
  readSharedSignature,
  signedRootBytes,
} from './group-signature.ts';

export type Verify = (publisher: HostId, bytes: Uint8Array, signature: Uint8Array) => boolean;

export type Refuses = (publisher: HostId, time: number) => boolean;

const maxRemembered = 16_384;
const maxRoots = 4096;
/** At most 127 nodes each: the entries of one usually arrive together. */
const maxTrees = 32;

export class EntryVerifier {
  readonly #networkId: string;
  readonly #verify: Verify;
  readonly #refuses: Refuses;
  readonly #verified = new BoundedCache<string, true>(maxRemembered);
  readonly #roots = new BoundedCache<string, true>(maxRoots);
  readonly #trees = new BoundedCache<string, KnownNodes>(maxTrees);

  /** @param refuses whether entries of a publisher with this time, milliseconds since 1970, no longer count */
  constructor(networkId: string, verify: Verify, refuses: Refuses = () => false) {
    this.#refuses = refuses;
    this.#networkId = networkId;
    this.#verify = verify;
  }

  isGenuine(encoded: EncodedEntry): boolean {
    if (this.#refuses(encoded.entry.publisher, encoded.entry.sequence)) return false;
    const digest = hash('sha256', encoded.bytes, 'base64');
    if (this.#verified.get(digest) === true) return true;
    if (!this.#isSigned(encoded)) return false;
    this.#verified.set(digest, true);
    return true;
  }

  #isSigned(encoded: EncodedEntry): boolean {
    const { publisher, signature } = encoded.entry;
    const signed = signedBytesOf(encoded, this.#networkId);
    const shared = readSharedSignature(signature);
    if (shared === null) return this.#verify(publisher, signed, signature);
    const tree = `${shared.count} ${Buffer.from(shared.root).toString('base64')}`;
    const known = this.#trees.get(tree) ?? new Map();
    if (!isUnderRoot(signed, shared, known) || !this.#isRootSigned(publisher, shared)) return false;
    this.#trees.set(tree, known);
    return true;
  }

  /** Entries of a root are usually adjacent. */
  #isRootSigned(publisher: HostId, { signature, root, count }: GroupSignature): boolean {
    const name = `${publisher} ${count} ${Buffer.concat([root, signature]).toString('base64')}`;
    if (this.#roots.get(name) === true) return true;
    if (!this.#verify(publisher, signedRootBytes(this.#networkId, root, count), signature)) return false;
    this.#roots.set(name, true);
    return true;
  }
}
