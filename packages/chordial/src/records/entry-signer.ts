/**
 * Signs this host's entries: those requested in one turn share one signature, so that concurrent puts of many names
 * cost few.
 */
import { type EncodedEntry, signEntries, signEntry, type UnsignedEntry } from './entry.ts';

interface Waiting {
  readonly unsigned: UnsignedEntry;
  readonly signed: (entry: EncodedEntry) => void;
  readonly failed: (error: unknown) => void;
}

export class EntrySigner {
  readonly #networkId: string;
  readonly #sign: (bytes: Uint8Array) => Uint8Array;
  #waiting: Waiting[] = [];

  constructor(networkId: string, sign: (bytes: Uint8Array) => Uint8Array) {
    this.#networkId = networkId;
    this.#sign = sign;
  }

  /** Rejects with `too-large` like `signEntry`. */
  sign(unsigned: UnsignedEntry): Promise<EncodedEntry> {
    return new Promise((signed, failed) => {
      this.#waiting.push({ unsigned, signed, failed });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#signAll());
    });
  }

  #signAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (!this.#signTogether(waiting)) {
      // One that cannot be signed does not fail the others.
      for (const one of waiting) this.#signAlone(one);
    }
  }

  #signTogether(waiting: readonly Waiting[]): boolean {
    try {
      const unsigned = waiting.map((one) => one.unsigned);
      const entries = signEntries(unsigned, this.#networkId, this.#sign);
      for (const [index, { signed }] of waiting.entries()) signed(entries[index]!);
      return true;
    } catch {
      return false;
    }
  }

  #signAlone({ unsigned, signed, failed }: Waiting): void {
    try {
      signed(signEntry(unsigned, this.#networkId, this.#sign));
    } catch (error) {
      failed(error);
    }
  }
}
