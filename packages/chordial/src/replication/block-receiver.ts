/**
 * Fetches blocks from one host: what several readers want from it is requested together, over a few streams. Each block
 * is verified here; a host that sends corrupt bytes is demoted among the sources.
 */

import type { Clock, Contact, Milliseconds, Timer } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { verifyBlockBy } from '../content/block-hashing.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import type { TrafficClass } from '../network/bandwidth.ts';
import { PeerQueue, type Queued } from '../network/peer-queue.ts';
import { TransportError } from '../network/transport.ts';
import { blockMessages, unknownSize } from './block-messages.ts';
import { receiveBlocks } from './block-payload.ts';
import type { DataPorts } from './data-ports.ts';
import { PathDelay } from './path-delay.ts';

/** Two keep a short path busy: one fills while the other starts. */
const maxStreams = 2;
/**
 * On a long path there are as many as there are blocks to request: concurrent streams also end together, and with fewer
 * the path would be idle until the next answer.
 */
const maxStreamsOfLongPath = 8;
const maxBlocksPerRequest = 8;
/** Beyond the streams of a short path, another is worth a request only for this much. */
const minBlocksOfFurtherStream = 4;
/** Reserved for readers with nothing in flight while blocks of others fill the streams. */
const maxFurtherStreams = 2;
/** Below this they need no separate request: what is ahead of them arrives soon. */
const minBytesAhead = 2 * leafBytes;
const silenceMilliseconds = 3000;
/** How long after a host said that its own limit or memory holds it back its path counts as full. */
const heldBackMilliseconds: Milliseconds = 2000;
/** How long a slow host comes last. */
const slowMilliseconds: Milliseconds = 10_000;
/**
 * How long the readers of a host that delivered and was lost wait for it: what led there has ended, and they find another
 * way. A relay that falls silent is noticed after 4.5 s.
 */
const returnsWithinMilliseconds: Milliseconds = 15_000;
/** How long a failed host is skipped; a host that sent corrupt bytes is skipped for longer. */
const avoidedAfterFailureMilliseconds = 1000;
/**
 * A disk that failed once repairs its copies, and may hold the only one; one that keeps sending corrupt bytes is asked
 * ever more rarely, with doubling pauses.
 */
const avoidedAfterWrongBytesMilliseconds = 2000;
const maxAvoidedMilliseconds = 600_000;
/** A host that mixes corrupt blocks with good ones gains little. */
const forgivenPerGoodBlock = 1 / 64;
/** Weight of a new measurement of the rate. */
const rateWeight = 0.3;

/** A slow link delivers ten times as much in this time. */
const windowMilliseconds: Milliseconds = 5000;
const minWindowBytes = 16 * 1024;
/** The same in so many windows from a host that says that its own limit holds it back. */
const maxHeldBackWindows = 12;

/** A block wanted from the host. `abandoned` is set when another host delivered it first. */
export interface WantedBlock {
  readonly cid: CID;
  /** The reader: readers of one host are served round robin. */
  readonly reader?: unknown;
  abandoned: boolean;
  /** Set when a host that lacks it is not authoritative: that does not mean absent. */
  isUnknown?: boolean;
}

interface Waiting extends Queued {
  readonly wanted: WantedBlock;
  readonly found: (bytes: Uint8Array | null) => void;
  /** Found or failed. */
  settled: boolean;
}

export class BlockReceiver {
  contact: Contact;
  readonly #ports: DataPorts;
  readonly #buffers: LeafPool;
  readonly #traffic: TrafficClass;
  #heldBackAt: Milliseconds = Number.NEGATIVE_INFINITY;
  #senderHeldBackAt: Milliseconds = Number.NEGATIVE_INFINITY;
  readonly #queue: PeerQueue<Waiting>;
  /** Batches in flight for readers that had nothing in flight. */
  readonly #further = new Set<readonly Waiting[]>();
  /** Requested blocks, by reader. */
  readonly #inFlight = new Map<unknown, number>();
  /** Of blocks that are announced and have not arrived. */
  #bytesAhead = 0;
  /** Corrupt blocks received, less those offset by good ones. */
  #wrongInRow = 0;
  #receivedBytes = 0;
  #slowUntil: Milliseconds = 0;
  /** Blocks came, and its last failure was no answer of its own. */
  #hasDelivered = false;
  #lostAt: Milliseconds | null = null;
  /** Bytes per millisecond over all streams; null until measured. */
  #rate: number | null = null;
  readonly #delay = new PathDelay();

  constructor(contact: Contact, ports: DataPorts, buffers: LeafPool, traffic: TrafficClass = 'people') {
    this.#traffic = traffic;
    this.contact = contact;
    this.#ports = ports;
    this.#buffers = buffers;
    this.#queue = new PeerQueue(contact.host, ports.clock, {
      nextBatch: () => this.#nextBatch(),
      carry: (batch) => this.#carry(batch),
    });
  }

  get idle(): boolean {
    return this.#queue.idle;
  }

  get avoided(): boolean {
    return this.#queue.isAvoided;
  }

  /** It delivered, and could not be reached a moment ago: that says little of whether it can be reached again. */
  get mayReturn(): boolean {
    return this.#lostAt !== null && this.#ports.clock.now() - this.#lostAt < returnsWithinMilliseconds;
  }

  /** Estimated time for a block wanted now; an untried host is worth trying. */
  expectedMilliseconds(blockBytes: number): Milliseconds {
    if (this.#slowUntil > this.#ports.clock.now()) return Number.MAX_VALUE;
    const ahead = (this.#queue.waiting.length + this.#queue.itemsInFlight + 1) * blockBytes;
    return this.#rate === null ? ahead / 1e6 : ahead / this.#rate;
  }

  /** Over all streams since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Whether this host's own limit let it wait since then: it is not slow. */
  wasHeldBackSince(time: Milliseconds): boolean {
    return this.#heldBackAt >= time;
  }

  /** Responsive, but so slow that another source was asked as well. */
  wasSlow(): void {
    this.#slowUntil = this.#ports.clock.now() + slowMilliseconds;
  }

  silentFor(since: Milliseconds): Milliseconds {
    return this.#queue.quietFor(since);
  }

  /** The verified bytes in a pooled buffer, or null when the host does not have the block. */
  fetch(wanted: WantedBlock): Promise<Uint8Array | null> {
    return new Promise((found, failed) => {
      const waiting: Waiting = {
        wanted,
        since: this.#ports.clock.now(),
        found,
        failed: (error) => {
          waiting.settled = true;
          failed(error);
        },
        settled: false,
      };
      this.#queue.push(waiting, wanted.reader);
    });
  }

  #nextBatch(): readonly Waiting[] {
    for (;;) {
      const own = this.#takeBatch();
      const taken = own.length > 0 ? own : this.#takeFurther();
      if (taken.length === 0) return [];
      const batch = taken.filter(({ wanted }) => !wanted.abandoned);
      for (const waiting of taken) if (waiting.wanted.abandoned) settle(waiting, null);
      if (batch.length === 0) continue;
      if (own.length === 0) this.#further.add(batch);
      const isServed = ({ wanted }: Waiting): number => Number(this.#inFlight.has(wanted.reader));
      return batch.sort((a, b) => isServed(a) - isServed(b));
    }
  }

  /** Nothing while enough is in flight. */
  #takeBatch(): readonly Waiting[] {
    const { waiting, batchesInFlight } = this.#queue;
    const streams = batchesInFlight - this.#further.size;
    if (streams < maxStreams) return waiting.take(maxBlocksPerRequest);
    const isFull = this.#ports.clock.now() - this.#senderHeldBackAt < heldBackMilliseconds;
    const isLong = this.#delay.isLong && !isFull;
    const isWorth = isLong && waiting.length >= minBlocksOfFurtherStream;
    return isWorth && streams < maxStreamsOfLongPath ? waiting.take(maxBlocksPerRequest) : [];
  }

  #takeFurther(): readonly Waiting[] {
    if (this.#bytesAhead < minBytesAhead || this.#further.size >= maxFurtherStreams) return [];
    return this.#queue.waiting.take(maxBlocksPerRequest, (reader) => !this.#inFlight.has(reader));
  }

  #count(batch: readonly Waiting[], change: 1 | -1): void {
    for (const { wanted } of batch) {
      const count = (this.#inFlight.get(wanted.reader) ?? 0) + change;
      if (count === 0) this.#inFlight.delete(wanted.reader);
      else this.#inFlight.set(wanted.reader, count);
    }
  }

  async #carry(batch: readonly Waiting[]): Promise<void> {
    const ending = new AbortController();
    const start = this.#ports.clock.now();
    this.#count(batch, 1);
    let [bytes, announced] = [0, 0];
    const drip = new MinThroughputGuard(this.contact, this.#ports.clock, () => ending.abort());
    const verifying: Promise<void>[] = [];
    const isUnwanted = (): boolean => batch.every(({ wanted, settled }) => settled || wanted.abandoned);
    let wrong: unknown = null;
    // What a corrupt source is still sending is not awaited.
    const isWrong = (error: unknown): void => {
      wrong ??= error;
      ending.abort();
    };
    try {
      const question = { cids: batch.map(({ wanted }) => wanted.cid), repair: this.#traffic === 'repair' };
      const header = blockMessages.get.encode(question);
      const options = { deadline: silenceMilliseconds, signal: ending.signal, traffic: this.#traffic };
      const answer = await this.#ports.transport.stream(this.contact, blockMessages.get.kind, { header }, options);
      this.#queue.progress();
      this.#delay.answeredAfter(this.#ports.clock.now() - start);
      // The first answer shows that the path is long.
      this.#queue.start();
      const { sizes } = blockMessages.get.decodeAnswer(answer.header, question);
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
          this.#queue.progress();
          if (isUnwanted()) ending.abort();
        },
        heldBack: () => {
          this.#heldBackAt = this.#ports.clock.now();
          drip.heldBack();
          this.#queue.progress();
        },
        senderHeldBack: () => {
          drip.senderHeldBack();
          this.#senderHeldBackAt = this.#ports.clock.now();
          // What the own limit makes slow fills buffers there for long.
          if (!this.wasHeldBackSince(this.#ports.clock.now() - heldBackMilliseconds))
            this.#ports.limitedPeers?.note(this.contact);
          this.#queue.progress();
          if (isUnwanted()) ending.abort();
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
      // Blocks received before the stream broke may still be correct.
      await Promise.all(verifying);
      const error = wrong ?? broken;
      if (wrong !== null) this.#avoid(wrong as Error);
      else if (drip.fault !== null) this.#avoid(drip.fault);
      else if (!ending.signal.aborted) this.#avoid(error as Error);
      for (const waiting of batch) if (!waiting.settled) waiting.failed(drip.fault ?? (error as Error));
    } finally {
      drip.end();
      // What a broken stream did not deliver.
      this.#bytesAhead -= announced - bytes;
      this.#further.delete(batch);
      this.#count(batch, -1);
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
    this.#hasDelivered = true;
    this.#lostAt = null;
    settle(waiting, bytes);
  }

  #measure(bytes: number, took: Milliseconds): void {
    if (bytes === 0 || took <= 0) return;
    // The streams share the path, so each sees part of its capacity.
    const seen = (bytes / took) * this.#queue.batchesInFlight;
    this.#rate = this.#rate === null ? seen : this.#rate * (1 - rateWeight) + seen * rateWeight;
  }

  #avoid(error: Error): void {
    const wrong = error instanceof WrongBytes;
    if (wrong) this.#tellDamage(error.cid);
    const silent = error instanceof TransportError && error.failure !== 'refused' && error.failure !== 'aborted';
    if (silent) this.#ports.view.suspect(this.contact);
    if (!silent) [this.#hasDelivered, this.#lostAt] = [false, null];
    else if (this.#hasDelivered) this.#lostAt ??= this.#ports.clock.now();
    this.#ports.report?.(wrong ? 'wrong-bytes' : silent ? 'no-answer' : 'refused', this.contact, error.message);
    const span = wrong ? this.#afterWrongBytes() : avoidedAfterFailureMilliseconds;
    this.#queue.avoid(span, error);
  }

  #afterWrongBytes(): Milliseconds {
    const span = Math.min(maxAvoidedMilliseconds, avoidedAfterWrongBytesMilliseconds * 2 ** this.#wrongInRow);
    this.#wrongInRow += 1;
    return span;
  }

  /** An honest holder wants to know about corruption on its disk. */
  #tellDamage(cid: CID): void {
    const { transport, report } = this.#ports;
    blockMessages.check
      .ask(transport, this.contact, { cids: [cid] }, { deadline: silenceMilliseconds })
      .catch((error: Error) => report?.('no-answer', this.contact, error.message));
  }
}

/**
 * Watches the throughput of one stream: a host that sends a few bytes at a time is never silent, and would be awaited
 * without end.
 */
export class MinThroughputGuard {
  readonly #contact: Contact;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #tooSlow: () => void;
  #windowBytes = 0;
  /** In this window. */
  #isSenderHeldBack = false;
  #heldBackWindows = 0;
  #timer: Timer;
  #fault: TransportError | null = null;

  /** @param tooSlow called once, when a window ended below the minimum */
  constructor(contact: Contact, clock: Pick<Clock, 'after'>, tooSlow: () => void) {
    this.#contact = contact;
    this.#clock = clock;
    this.#tooSlow = tooSlow;
    this.#timer = clock.after(windowMilliseconds, () => this.#look());
  }

  /** Why it is too slow; null when it is not. */
  get fault(): TransportError | null {
    return this.#fault;
  }

  came(bytes: number): void {
    this.#windowBytes += bytes;
  }

  /** This host's own limit makes it slow. */
  heldBack(): void {
    this.#windowBytes += minWindowBytes;
  }

  /** The other side says so of its own limit: it has longer for the same. */
  senderHeldBack(): void {
    this.#isSenderHeldBack = true;
  }

  end(): void {
    this.#timer.cancel();
  }

  #look(): void {
    if (this.#windowBytes >= minWindowBytes) {
      this.#windowBytes = 0;
      this.#heldBackWindows = 0;
    } else if (this.#isSenderHeldBack && this.#heldBackWindows < maxHeldBackWindows - 1) {
      this.#heldBackWindows += 1;
    } else {
      this.#fault = this.#isSenderHeldBack ? heldBackByLimit(this.#contact) : drips(this.#contact);
      this.#tooSlow();
      return;
    }
    this.#isSenderHeldBack = false;
    this.#timer = this.#clock.after(windowMilliseconds, () => this.#look());
  }
}

function drips({ host }: Contact): TransportError {
  return new TransportError('timeout', `${host} sends a few bytes at a time.`);
}

function heldBackByLimit({ host }: Contact): TransportError {
  return new TransportError('refused', `${host} sends next to nothing: its own limit holds it back.`, 'stopped');
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
