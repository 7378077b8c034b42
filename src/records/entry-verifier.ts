/** Whether an entry is its publisher's word. A verified entry is remembered: holders and readers meet the same ones again and again. */
import { hash } from 'node:crypto';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { HostId } from '../ring/pointer.ts';
import { type EncodedEntry, signedBytes } from './entry.ts';

export type Verify = (publisher: HostId, bytes: Uint8Array, signature: Uint8Array) => boolean;

const maximumRemembered = 16_384;

export class EntryVerifier {
  readonly #networkId: string;
  readonly #verify: Verify;
  readonly #verified = new BoundedCache<string, true>(maximumRemembered);

  constructor(networkId: string, verify: Verify) {
    this.#networkId = networkId;
    this.#verify = verify;
  }

  isGenuine({ entry, bytes }: EncodedEntry): boolean {
    const digest = hash('sha256', bytes, 'base64');
    if (this.#verified.get(digest) === true) return true;
    if (!this.#verify(entry.publisher, signedBytes(entry, this.#networkId), entry.signature)) return false;
    this.#verified.set(digest, true);
    return true;
  }
}
