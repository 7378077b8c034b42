/**
 * Finds disk corruption (spec/4, Scrub): all blocks held here are read and hashed, slowly and continuously. A good copy
 * from another holder replaces a corrupt one; also one that a reader found. While none is available the corrupt one
 * stays for some minutes: it may have been misread, and be the only one.
 */

import type { Clock, Milliseconds, Random } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlock } from '../content/cid.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import type { BlockStore } from '../storage/block-store.ts';

export interface ScrubPorts {
  readonly blocks: BlockStore;
  readonly leaves: LeafPool;
  readonly clock: Clock;
  readonly random: Random;
  /** 0: only what readers found is checked. */
  readonly bytesPerSecond: number;
  /** The verified bytes from another holder, never the own copy. Rejects when no host has them. */
  fetchElsewhere(cid: CID, signal: AbortSignal): Promise<Uint8Array>;
  /** Called for each corrupt copy, with whether it was replaced; otherwise it is retried later. */
  found(cid: CID, repaired: boolean): void;
  failed(error: Error): void;
}

export const defaultScrubBytesPerSecond = 8_000_000;
const firstPassAfter: Milliseconds = 60_000;
/** A pass over few blocks does not restart at once. */
const minPass: Milliseconds = 3_600_000;
const jitter = 0.2;
const blocksPerPage = 64;
/** Each read costs at least this much time, and counts as this many bytes. */
const minBytesCharged = 16 * 1024;
/** Copies to be checked because a reader got corrupt bytes; the pass finds the others. */
const maxSuspected = 256;
/** A block without a good copy is checked again after this time … */
const retryMilliseconds: Milliseconds = 60_000;
/** … until it was corrupt this often: then it is dropped, or others would request it for ever. */
const maxLooks = 3;

export class Scrub {
  readonly #ports: ScrubPorts;
  readonly #closing = new AbortController();
  readonly #suspected = new Map<string, CID>();
  /** Failures of each copy to be checked again; the next pass finds evicted ones. */
  readonly #bad = new Map<string, number>();
  readonly #running: Promise<void>[];
  #wake = Promise.withResolvers<void>();

  constructor(ports: ScrubPorts) {
    this.#ports = ports;
    this.#closing.signal.addEventListener('abort', () => this.#wake.resolve());
    this.#running = [this.#lookAtSuspected(), ...(ports.bytesPerSecond > 0 ? [this.#passes()] : [])];
  }

  /** Resolves when nothing is in progress. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running);
  }

  /** A host got corrupt bytes of these blocks from here: they are checked soon. */
  suspect(cids: readonly CID[]): void {
    // One that was just found corrupt is checked again in its time.
    for (const cid of cids) if (!this.#bad.has(cid.toString())) this.#lookSoon(cid);
  }

  #lookSoon(cid: CID): void {
    if (this.#suspected.size < maxSuspected) this.#suspected.set(cid.toString(), cid);
    this.#wake.resolve();
  }

  /** Checks every block held here once. */
  async pass(): Promise<void> {
    let owed = 0;
    for (let cursor: string | null = null; ; ) {
      const page = await this.#ports.blocks.keys('all', cursor, blocksPerPage);
      for (const { cid, size } of page.items) {
        if (this.#closing.signal.aborted) return;
        await this.#guarded(() => this.#lookAt(cid));
        owed += (Math.max(size, minBytesCharged) / this.#ports.bytesPerSecond) * 1000;
        if (owed < 100) continue;
        await this.#pause(owed);
        owed = 0;
      }
      cursor = page.cursor;
      if (cursor === null) return;
    }
  }

  async #passes(): Promise<void> {
    const { clock, random } = this.#ports;
    await this.#pause(firstPassAfter * (1 - jitter * random.next()));
    while (!this.#closing.signal.aborted) {
      const began = clock.now();
      await this.#guarded(() => this.pass());
      await this.#pause(Math.max(0, began + minPass * (1 - jitter * random.next()) - clock.now()));
    }
  }

  async #lookAtSuspected(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      for (const [key, cid] of this.#suspected) {
        if (this.#closing.signal.aborted) return;
        this.#suspected.delete(key);
        await this.#guarded(() => this.#lookAt(cid));
      }
    }
  }

  async #lookAt(cid: CID): Promise<void> {
    // Read twice: memory or the bus may have erred, and a good copy must not be dropped for that.
    if ((await this.#isGood(cid)) || (await this.#isGood(cid))) {
      this.#bad.delete(cid.toString());
      return;
    }
    const { blocks, fetchElsewhere, found } = this.#ports;
    let repaired = false;
    try {
      const bytes = await fetchElsewhere(cid, this.#closing.signal);
      const claims = blocks.claimsOf(cid);
      await blocks.delete([cid]);
      await blocks.put([{ cid, bytes, claims }]);
      repaired = true;
      this.#bad.delete(cid.toString());
    } finally {
      found(cid, repaired);
      if (!repaired) await this.#lookAgain(cid);
    }
  }

  async #lookAgain(cid: CID): Promise<void> {
    // Interrupted, not searched in vain.
    if (this.#closing.signal.aborted) return;
    const key = cid.toString();
    const looks = (this.#bad.get(key) ?? 0) + 1;
    if (looks >= maxLooks) {
      this.#bad.delete(key);
      await this.#ports.blocks.delete([cid]);
      return;
    }
    if (this.#bad.size >= maxSuspected && !this.#bad.has(key)) return;
    this.#bad.set(key, looks);
    void this.#pause(retryMilliseconds).then(() => this.#lookSoon(cid));
  }

  /** Also when it is absent: then there is nothing to drop. */
  async #isGood(cid: CID): Promise<boolean> {
    const { blocks, leaves } = this.#ports;
    try {
      const bytes = await blocks.get(cid, leaves);
      if (bytes === null) return true;
      const isGood = verifyBlock(cid, bytes);
      leaves.giveBack(bytes);
      return isGood;
    } catch (error) {
      if (error instanceof ChordialError && error.code === 'bad-content') return false;
      throw error;
    }
  }

  /** A failure of one block or page does not stop the pass. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#ports.failed(error as Error);
    }
  }

  /** Ends early on close. */
  #pause(time: Milliseconds): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#ports.clock.after(time, end);
      signal.addEventListener('abort', end);
    });
  }
}
