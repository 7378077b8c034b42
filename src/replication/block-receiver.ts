/**
 * The way from one host for blocks: what many readers want of it is asked for together, a few streams at a time. Each
 * block is verified here; a host that sends wrong bytes loses its place among the sources.
 */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlockBy } from '../content/block-hashing.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import { TransportError } from '../network/transport.ts';
import { blockMessages, decodeSizes, encodeCids, unknownSize } from './block-messages.ts';
import { receiveBlocks } from './block-payload.ts';
import type { DataPorts } from './data-ports.ts';
import { MinThroughputGuard } from './min-throughput-guard.ts';
import { PathDelay } from './path-delay.ts';
import { TurnQueue } from './turn-queue.ts';

/** Two keep a short path busy: one fills up while the other begins. */
const maxStreams = 2;
/**
 * On a long one there are as many as there are blocks to ask for: those that run side by side end side by side too, and
 * if they were all, the way would be empty until the next answer begins.
 */
const maxStreamsOfLongPath = 8;
const maxBlocksPerRequest = 8;
/** Beyond the streams of a short path one is worth its question only for so many. */
const minBlocksOfFurtherStream = 4;
/** For readers with nothing under way, while others' blocks fill the streams. */
const maxFurtherStreams = 2;
/** Below this they need not be asked for apart: what is ahead of them is soon there. */
const minBytesAhead = 2 * leafBytes;
const silenceMilliseconds = 3000;
/** A host found slow comes last for so long. */
const slowMilliseconds: Milliseconds = 10_000;
/** A host that failed is passed over for a moment, one that sent wrong bytes for long. */
const avoidedAfterFailureMilliseconds = 1000;
/**
 * A disk that failed once repairs what it has, and may hold the only copy; one that goes on sending wrong bytes is asked
 * ever more rarely. Each time twice as long.
 */
const avoidedAfterWrongBytesMilliseconds = 2000;
const maxAvoidedMilliseconds = 600_000;
/** A host that mixes wrong bytes in among good ones wins little by it. */
const forgivenPerGoodBlock = 1 / 64;
/** How much of a new measurement goes into the rate. */
const rateWeight = 0.3;

/** A block wanted of the host. `abandoned` is set when another host delivered it first. */
export interface WantedBlock {
  readonly cid: CID;
  /** For whom: those who want blocks of one host take turns. */
  readonly reader?: unknown;
  abandoned: boolean;
  /** Set when a host that lacks it has not yet got all that belongs to it: it is not absent for that. */
  isUnknown?: boolean;
}

interface Waiting {
  readonly wanted: WantedBlock;
  readonly found: (bytes: Uint8Array | null) => void;
  readonly failed: (error: Error) => void;
  settled: boolean;
}

export class BlockReceiver {
  readonly contact: Contact;
  readonly #ports: DataPorts;
  readonly #buffers: LeafPool;
  #queue = new TurnQueue<Waiting>();
  #streams = 0;
  /** Blocks asked for, by reader. */
  readonly #underWay = new Map<unknown, number>();
  #blocksUnderWay = 0;
  /** Of blocks that are announced and have not come. */
  #bytesAhead = 0;
  #avoidedUntil: Milliseconds = 0;
  /** Times that wrong bytes came, less what good ones made up for. */
  #wrongInRow = 0;
  #lastHeard: Milliseconds = 0;
  #receivedBytes = 0;
  #slowUntil: Milliseconds = 0;
  /** Bytes per millisecond, all streams together; null until measured. */
  #rate: number | null = null;
  readonly #delay = new PathDelay();

  constructor(contact: Contact, ports: DataPorts, buffers: LeafPool) {
    this.contact = contact;
    this.#ports = ports;
    this.#buffers = buffers;
  }

  get idle(): boolean {
    return this.#streams === 0 && this.#queue.length === 0 && !this.avoided;
  }

  get avoided(): boolean {
    return this.#avoidedUntil > this.#ports.clock.now();
  }

  /** How long a block wanted now would take, by what was seen; a host never tried yet is worth trying. */
  expectedMilliseconds(blockBytes: number): Milliseconds {
    if (this.#slowUntil > this.#ports.clock.now()) return Number.MAX_VALUE;
    const ahead = (this.#queue.length + this.#blocksUnderWay + 1) * blockBytes;
    return this.#rate === null ? ahead / 1e6 : ahead / this.#rate;
  }

  /** Since the lane was made, over all streams. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** It speaks, but so slowly that another was asked beside it. */
  wasSlow(): void {
    this.#slowUntil = this.#ports.clock.now() + slowMilliseconds;
  }

  silentFor(since: Milliseconds): Milliseconds {
    return this.#ports.clock.now() - Math.max(since, this.#lastHeard);
  }

  /** The verified bytes in a buffer of the pool, or null when the host does not have the block. */
  fetch(wanted: WantedBlock): Promise<Uint8Array | null> {
    if (this.avoided) {
      return Promise.reject(new TransportError('unreachable', `${this.contact.host} failed a moment ago.`));
    }
    return new Promise((found, failed) => {
      this.#queue.push(wanted.reader, { wanted, found, failed, settled: false });
      queueMicrotask(() => this.#start());
    });
  }

  #start(): void {
    for (let taken = this.#takeBatch(); taken.length > 0; taken = this.#takeBatch()) {
      const batch = taken.filter(({ wanted }) => !wanted.abandoned);
      for (const waiting of taken) if (waiting.wanted.abandoned) settle(waiting, null);
      if (batch.length === 0) continue;
      this.#streams += 1;
      this.#count(batch, 1);
      this.#carry(batch).finally(() => {
        this.#streams -= 1;
        this.#count(batch, -1);
        this.#start();
      });
    }
  }

  /** Nothing as long as enough is under way. */
  #takeBatch(): readonly Waiting[] {
    if (this.#streams < maxStreams) return this.#queue.take(maxBlocksPerRequest);
    const isWorth = this.#delay.isLong && this.#queue.length >= minBlocksOfFurtherStream;
    const most = this.#delay.isLong ? maxStreamsOfLongPath : maxStreams;
    if (isWorth && this.#streams < most) return this.#queue.take(maxBlocksPerRequest);
    if (this.#bytesAhead < minBytesAhead || this.#streams >= most + maxFurtherStreams) return [];
    return this.#queue.take(maxBlocksPerRequest, (reader) => !this.#underWay.has(reader));
  }

  #count(batch: readonly Waiting[], change: 1 | -1): void {
    this.#blocksUnderWay += change * batch.length;
    for (const { wanted } of batch) {
      const count = (this.#underWay.get(wanted.reader) ?? 0) + change;
      if (count === 0) this.#underWay.delete(wanted.reader);
      else this.#underWay.set(wanted.reader, count);
    }
  }

  async #carry(batch: readonly Waiting[]): Promise<void> {
    const ending = new AbortController();
    const start = this.#ports.clock.now();
    let [bytes, announced] = [0, 0];
    const drip = new MinThroughputGuard(this.#ports.clock, () => ending.abort());
    const verifying: Promise<void>[] = [];
    let wrong: unknown = null;
    // What is still on its way from a host that sends wrong bytes is not waited for.
    const isWrong = (error: unknown): void => {
      wrong ??= error;
      ending.abort();
    };
    try {
      const header = encodeCids(batch.map(({ wanted }) => wanted.cid));
      const options = { deadline: silenceMilliseconds, signal: ending.signal };
      const answer = await this.#ports.transport.stream(this.contact, blockMessages.get, { header }, options);
      this.#lastHeard = this.#ports.clock.now();
      this.#delay.answeredAfter(this.#lastHeard - start);
      // The first answer tells that the path is long.
      this.#start();
      const sizes = decodeSizes(answer.header, batch.length);
      const coming = batch.filter((_, index) => sizes[index]! >= 0);
      for (const [index, waiting] of batch.entries()) {
        if (sizes[index] === unknownSize) waiting.wanted.isUnknown = true;
        if (sizes[index]! < 0) settle(waiting, null);
      }
      const comingSizes = sizes.filter((size) => size >= 0);
      announced = comingSizes.reduce((sum, size) => sum + size, 0);
      this.#bytesAhead += announced;
      await receiveBlocks(answer.payload, {
        sizes: comingSizes,
        allocate: (_, size) => (size === leafBytes ? this.#buffers.take() : unpooledBuffer(size)),
        progress: (count) => {
          bytes += count;
          this.#receivedBytes += count;
          this.#bytesAhead -= count;
          drip.came(count);
          this.#lastHeard = this.#ports.clock.now();
          if (batch.every(({ wanted, settled }) => settled || wanted.abandoned)) ending.abort();
        },
        complete: (index, block) => {
          const accepting = this.#accept(coming[index]!, block);
          if (accepting !== undefined) verifying.push(accepting.catch(isWrong));
        },
      });
      await Promise.all(verifying);
      if (wrong !== null) throw wrong;
      this.#measure(bytes, this.#ports.clock.now() - start);
    } catch (broken) {
      // Blocks that came before the stream broke may still be right.
      await Promise.all(verifying);
      const error = wrong ?? broken;
      if (wrong !== null) this.#avoid(wrong as Error);
      else if (drip.isTooSlow)
        this.#avoid(new TransportError('timeout', `${this.contact.host} sends a few bytes at a time.`));
      else if (!ending.signal.aborted) this.#avoid(error as Error);
      for (const waiting of batch) fail(waiting, error as Error);
    } finally {
      drip.end();
      // What never came of a stream that broke.
      this.#bytesAhead -= announced - bytes;
    }
  }

  /** Throws, or rejects, with WrongBytes. */
  #accept(waiting: Waiting, bytes: Uint8Array): Promise<void> | undefined {
    const { cid } = waiting.wanted;
    const isRight = waiting.wanted.abandoned || verifyBlockBy(this.#ports.hashing, cid, bytes);
    if (isRight instanceof Promise) return isRight.then((right) => this.#verified(waiting, bytes, right));
    this.#verified(waiting, bytes, isRight);
    return undefined;
  }

  #verified(waiting: Waiting, bytes: Uint8Array, isRight: boolean): void {
    if (!isRight) throw new WrongBytes(this.contact, waiting.wanted.cid);
    if (waiting.wanted.abandoned) {
      this.#buffers.giveBack(bytes);
      settle(waiting, null);
      return;
    }
    this.#wrongInRow = Math.max(0, this.#wrongInRow - forgivenPerGoodBlock);
    settle(waiting, bytes);
  }

  #measure(bytes: number, took: Milliseconds): void {
    if (bytes === 0 || took <= 0) return;
    // The streams share the way, so that each sees a part of what it carries.
    const seen = (bytes / took) * this.#streams;
    this.#rate = this.#rate === null ? seen : this.#rate * (1 - rateWeight) + seen * rateWeight;
  }

  #avoid(error: Error): void {
    const wrong = error instanceof WrongBytes;
    if (wrong) this.#tellDamage(error.cid);
    const silent = error instanceof TransportError && error.failure !== 'refused' && error.failure !== 'aborted';
    if (silent) this.#ports.view.suspect(this.contact);
    this.#ports.report?.(wrong ? 'wrong-bytes' : silent ? 'no-answer' : 'refused', this.contact, error.message);
    const span = wrong ? this.#afterWrongBytes() : avoidedAfterFailureMilliseconds;
    this.#avoidedUntil = this.#ports.clock.now() + span;
    const queue = this.#queue;
    this.#queue = new TurnQueue();
    for (const waiting of queue.take(queue.length)) fail(waiting, error);
  }

  #afterWrongBytes(): Milliseconds {
    const span = Math.min(maxAvoidedMilliseconds, avoidedAfterWrongBytesMilliseconds * 2 ** this.#wrongInRow);
    this.#wrongInRow += 1;
    return span;
  }

  /** An honest holder wants to know what its disk did. */
  #tellDamage(cid: CID): void {
    const { transport, report } = this.#ports;
    transport
      .request(this.contact, blockMessages.check, encodeCids([cid]), { deadline: silenceMilliseconds })
      .catch((error: Error) => report?.('no-answer', this.contact, error.message));
  }
}

class WrongBytes extends Error {
  readonly cid: CID;

  constructor({ host }: Contact, cid: CID) {
    super(`${host} sent other bytes than block ${cid} has.`);
    this.cid = cid;
  }
}

function settle(waiting: Waiting, bytes: Uint8Array | null): void {
  waiting.settled = true;
  waiting.found(bytes);
}

function fail(waiting: Waiting, error: Error): void {
  if (waiting.settled) return;
  waiting.settled = true;
  waiting.failed(error);
}
