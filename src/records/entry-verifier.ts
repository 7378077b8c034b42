/** Whether an entry is its publisher's word. A verified entry is remembered: holders and readers meet the same ones again and again. */
import { hash } from 'node:crypto';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { HostId } from '../ring/pointer.ts';
import { type EncodedEntry, type Entry, signedBytes } from './entry.ts';
import { isUnderRoot, readSharedSignature, type SharedSignature, signedRootBytes } from './shared-signature.ts';

export type Verify = (publisher: HostId, bytes: Uint8Array, signature: Uint8Array) => boolean;

const maximumRemembered = 16_384;
const maximumRoots = 4096;

export class EntryVerifier {
  readonly #networkId: string;
  readonly #verify: Verify;
  readonly #verified = new BoundedCache<string, true>(maximumRemembered);
  readonly #roots = new BoundedCache<string, true>(maximumRoots);

  constructor(networkId: string, verify: Verify) {
    this.#networkId = networkId;
    this.#verify = verify;
  }

  isGenuine({ entry, bytes }: EncodedEntry): boolean {
    const digest = hash('sha256', bytes, 'base64');
    if (this.#verified.get(digest) === true) return true;
    if (!this.#isSigned(entry)) return false;
    this.#verified.set(digest, true);
    return true;
  }

  #isSigned(entry: Entry): boolean {
    const signed = signedBytes(entry, this.#networkId);
    const shared = readSharedSignature(entry.signature);
    if (shared === null) return this.#verify(entry.publisher, signed, entry.signature);
    return isUnderRoot(signed, shared) && this.#isRootSigned(entry.publisher, shared);
  }

  /** The entries of a root come one after the other. */
  #isRootSigned(publisher: HostId, { signature, root, count }: SharedSignature): boolean {
    const name = `${publisher} ${count} ${Buffer.concat([root, signature]).toString('base64')}`;
    if (this.#roots.get(name) === true) return true;
    if (!this.#verify(publisher, signedRootBytes(this.#networkId, root, count), signature)) return false;
    this.#roots.set(name, true);
    return true;
  }
}
