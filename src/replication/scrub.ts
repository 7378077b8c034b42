/**
 * Finds what the disk has damaged (spec/4, Scrub): the blocks held here are read again and hashed, slowly and for ever. A
 * good copy from another holder takes the place of a bad one; also of one that a reader came across. While no one has one
 * the bad one stays for some minutes: it may have been read wrongly, and be the only one there is.
 */

import type { Clock, Milliseconds, Random } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlock } from '../content/cid.ts';
import type { LeafPool } from '../content/leaf-pool.ts';
import type { BlockStore } from '../storage/block-store.ts';

export interface ScrubPorts {
  readonly blocks: BlockStore;
  readonly leaves: LeafPool;
  readonly clock: Clock;
  readonly random: Random;
  /** 0: only what readers come across is looked at. */
  readonly bytesPerSecond: number;
  /** The verified bytes from another holder, never the own copy. Rejects when no one has them. */
  fetchElsewhere(cid: CID, signal: AbortSignal): Promise<Uint8Array>;
  /** Told of each bad copy, and whether a good one took its place; it is tried again later otherwise. */
  found(cid: CID, repaired: boolean): void;
  failed(error: Error): void;
}

export const defaultScrubBytesPerSecond = 8_000_000;
const firstPassAfter: Milliseconds = 60_000;
/** A pass over few blocks is not begun again at once. */
const minPass: Milliseconds = 3_600_000;
const jitter = 0.2;
const blocksPerPage = 64;
/** Each read costs so much time at least, and is charged for as if it had so many bytes. */
const minBytesCharged = 16 * 1024;
/** Copies to be looked at because somebody met bad bytes; beyond, the pass finds them. */
const maxSuspected = 256;
/** One for which no one had a good copy is looked at again so much later … */
const retryMilliseconds: Milliseconds = 60_000;
/** … until it was bad so often: then it is no copy, and others would ask for it for ever. */
const maxLooks = 3;

export class Scrub {
  readonly #ports: ScrubPorts;
  readonly #closing = new AbortController();
  readonly #suspected = new Map<string, CID>();
  /** How often each copy that is looked at again later was bad; beyond the bound, the next pass finds them. */
  readonly #bad = new Map<string, number>();
  readonly #running: Promise<void>[];
  #wake = Promise.withResolvers<void>();

  constructor(ports: ScrubPorts) {
    this.#ports = ports;
    this.#closing.signal.addEventListener('abort', () => this.#wake.resolve());
    this.#running = [this.#lookAtSuspected(), ...(ports.bytesPerSecond > 0 ? [this.#passes()] : [])];
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running);
  }

  /** Somebody got bad bytes for these blocks from here: they are looked at soon. */
  suspect(cids: readonly CID[]): void {
    // One that was bad just now is looked at again in its time.
    for (const cid of cids) if (!this.#bad.has(cid.toString())) this.#lookSoon(cid);
  }

  #lookSoon(cid: CID): void {
    if (this.#suspected.size < maxSuspected) this.#suspected.set(cid.toString(), cid);
    this.#wake.resolve();
  }

  /** Looks at every block held here once. */
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
    // Read twice: the memory or the way to the disk may have erred, and a good copy is not thrown away for that.
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
    // Broken off, not looked for in vain.
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

  /** Also when it is not there: then there is nothing to throw away. */
  async #isGood(cid: CID): Promise<boolean> {
    const { blocks, leaves } = this.#ports;
    const bytes = await blocks.get(cid, leaves);
    if (bytes === null) return true;
    const isGood = verifyBlock(cid, bytes);
    leaves.giveBack(bytes);
    return isGood;
  }

  /** A failure with one block, or one page, keeps nothing from going on. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#ports.failed(error as Error);
    }
  }

  /** Ends early when it is closed. */
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
