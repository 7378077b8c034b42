/**
 * Memory budget shared by all readers of content. A reader prefetches leaves while there is room; when room is short, a
 * reader whose client is stalled gives up its leaves, prefetched ones first, and fetches them again when its client
 * continues. So slow clients slow down only themselves, however many there are.
 */

import { setImmediate } from 'node:timers/promises';
import type { Clock, Milliseconds, Timer } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import type { LeafReference } from '../content/file-reader.ts';
import { ChordialError } from '../errors.ts';

/**
 * Leaves of one file requested at once. They take memory only on arrival, and block-receiver.ts limits how many arrive
 * at once: enough to keep a long path full.
 */
export const maxLeavesInFlight = 32;
/** For leaves and pieces of all readers. */
export const maxReadBytes = 64 * 1024 * 1024;
/** Size of one write to a client, copied out of its leaf. */
export const pieceBytes = 64 * 1024;
/** Pieces between a reader and its client: in the stream, the response and the socket. */
const piecesPerReader = 3;
/** New readers are refused when pieces alone would exceed this. */
const maxPieceBytes = 32 * 1024 * 1024;
/** A client that took nothing for this long is slow. */
const slowMilliseconds: Milliseconds = 100;
/** Up to so many give the event loop a turn after each leaf. */
const fewReaders = 4;

/** How leaves are fetched and released. */
export interface LeafSource {
  fetch(cid: CID, signal: AbortSignal): Promise<Uint8Array>;
  release(bytes: Uint8Array): void;
}

/** [start, end) of a content. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
}

interface Held {
  readonly bytes: Promise<Uint8Array>;
  /** Null once settled: an abort creates an error with its stack, for nothing. */
  abort: AbortController | null;
}

interface Slot {
  leaf: LeafReference;
  /** Null while no memory is reserved for it. */
  held: Held | null;
}

interface Waiting {
  readonly bytes: number;
  readonly granted: () => void;
}

export class ReadMemory {
  readonly clock: Clock;
  readonly #readers = new Set<ContentReader>();
  readonly #waiting: Waiting[] = [];
  #free: number;
  #pieceBytes = 0;
  #look: Timer | null = null;

  constructor(clock: Clock, bytes: number = maxReadBytes) {
    this.clock = clock;
    this.#free = bytes;
  }

  /** A reader of this many bytes, to be closed. Throws `busy`. */
  open(source: LeafSource, bytes: number, signal: AbortSignal | undefined): ContentReader {
    const pieces = Math.min(bytes, piecesPerReader * pieceBytes);
    if (this.#pieceBytes + pieces > maxPieceBytes) {
      throw new ChordialError('busy', 'The memory for readers of this peer is full. Try again in a moment.');
    }
    this.#pieceBytes += pieces;
    this.#free -= pieces;
    const reader = new ContentReader(this, source, signal, () => {
      if (!this.#readers.delete(reader)) return;
      this.#pieceBytes -= pieces;
      this.give(pieces);
    });
    this.#readers.add(reader);
    return reader;
  }

  /** For bytes that a client is waiting for. Rejects with `interrupted`. */
  async take(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw brokenOff();
    const turn = Promise.withResolvers<void>();
    const waiting = { bytes, granted: turn.resolve };
    const aborted = () => {
      const place = this.#waiting.indexOf(waiting);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      turn.reject(brokenOff());
      this.#serve();
    };
    signal?.addEventListener('abort', aborted);
    this.#waiting.push(waiting);
    this.#serve();
    try {
      await turn.promise;
    } finally {
      signal?.removeEventListener('abort', aborted);
    }
  }

  /** Beyond these, turns between leaves let so many buffers be dropped and asked for again that the collector does not keep up. */
  get hasFewReaders(): boolean {
    return this.#readers.size <= fewReaders;
  }

  /** For read-ahead: only while there is room. */
  tryTake(bytes: number): boolean {
    if (this.#waiting.length > 0) return false;
    if (bytes > this.#free) this.#reclaim(bytes, false);
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#free += bytes;
    this.#serve();
  }

  #serve(): void {
    this.#look?.cancel();
    this.#look = null;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.bytes > this.#free) this.#reclaim(first.bytes, true);
      if (first.bytes > this.#free) {
        // A client that is being served may become slow.
        this.#look = this.clock.after(slowMilliseconds, () => this.#serve());
        return;
      }
      this.#waiting.shift();
      this.#free -= first.bytes;
      first.granted();
    }
  }

  /**
   * Reclaims from slow readers, longest idle first; for a waiting client also the leaves that they are in, and
   * read-ahead of others.
   */
  #reclaim(bytes: number, isWaitedFor: boolean): void {
    const latest = this.clock.now() - slowMilliseconds;
    const all = [...this.#readers];
    const idle = all.filter(({ idleSince }) => idleSince !== null && idleSince <= latest);
    idle.sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0));
    const from = (readers: readonly ContentReader[], least: number) => {
      for (const reader of readers) {
        while (bytes > this.#free && reader.held > least) this.#free += reader.dropLast();
      }
    };
    from(idle, 1);
    if (!isWaitedFor) return;
    from(idle, 0);
    all.sort((a, b) => b.held - a.held);
    from(all, 1);
  }
}

/** One reader: its current leaf and those read ahead. */
export class ContentReader {
  /** Since when its client is stalled; null while it waits for bytes. */
  idleSince: Milliseconds | null = null;
  readonly #memory: ReadMemory;
  readonly #source: LeafSource;
  readonly #signal: AbortSignal | undefined;
  readonly #closed: () => void;
  /** The first is the current one. Slots with memory precede all others. */
  readonly #slots: Slot[] = [];

  constructor(memory: ReadMemory, source: LeafSource, signal: AbortSignal | undefined, closed: () => void) {
    this.#memory = memory;
    this.#source = source;
    this.#signal = signal;
    this.#closed = closed;
  }

  /** Number of leaves with memory. */
  get held(): number {
    const first = this.#slots.findIndex(({ held }) => held === null);
    return first < 0 ? this.#slots.length : first;
  }

  /** Drops the last leaf with memory; returns the bytes freed. */
  dropLast(): number {
    const slot = this.#slots[this.held - 1];
    return slot === undefined ? 0 : this.#drop(slot);
  }

  /** Takes a content of one raw block as the first leaf of `pieces`; returns its length. */
  async openBlock(cid: CID, expectedBytes: number): Promise<number> {
    await this.#memory.take(expectedBytes, this.#signal);
    const held = this.#fetch({ cid, offset: 0, length: expectedBytes, inline: null });
    try {
      const { length } = await held.bytes;
      // Corrects the reservation if the announced size was wrong.
      this.#memory.give(expectedBytes - length);
      this.#slots.push({ leaf: { cid, offset: 0, length, inline: null }, held });
      return length;
    } catch (error) {
      this.#memory.give(expectedBytes);
      throw error;
    }
  }

  /** The bytes of what `openBlock` took, as long as the reader is open. */
  async opened(): Promise<Uint8Array> {
    const [slot] = this.#slots;
    return slot === undefined ? new Uint8Array() : this.#bytesOf(slot);
  }

  /** The bytes of the range, in pieces owned by the client. */
  async *pieces(
    leaves: AsyncIterable<LeafReference>,
    { start, end }: ContentRange,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const coming = leaves[Symbol.asyncIterator]();
    try {
      for (let isEnded = false; ; ) {
        isEnded = await this.#goAhead(coming, isEnded);
        const [slot] = this.#slots;
        if (slot === undefined) return;
        const { offset, length } = slot.leaf;
        yield* this.#piecesOf(slot, Math.max(0, start - offset), Math.min(length, end - offset));
        // A client that takes all at once leaves the event loop no turn, in which leaves arrive and are hashed elsewhere.
        if (this.#slots.length > 1 && this.#memory.hasFewReaders) await setImmediate();
        this.#slots.shift();
        this.#memory.give(this.#drop(slot));
      }
    } finally {
      await coming.return?.();
    }
  }

  /** Whole leaves, whose lengths are guesses, each behind what `frame` gives for it. */
  async *framed(
    leaves: AsyncIterable<LeafReference>,
    frame: (cid: CID, length: number) => Uint8Array,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const coming = leaves[Symbol.asyncIterator]();
    try {
      for (let isEnded = false; ; ) {
        isEnded = await this.#goAhead(coming, isEnded);
        const [slot] = this.#slots;
        if (slot === undefined) return;
        const { cid, length } = await this.#measured(slot);
        yield* this.#handed(frame(cid, length));
        yield* this.#piecesOf(slot, 0, length);
        this.#slots.shift();
        this.#memory.give(this.#drop(slot));
      }
    } finally {
      await coming.return?.();
    }
  }

  close(): void {
    for (const slot of this.#slots.splice(0)) this.#memory.give(this.#drop(slot));
    this.#closed();
  }

  /** Reserves memory for the next leaf, and for later ones while there is room. Returns whether the end is reached. */
  async #goAhead(coming: AsyncIterator<LeafReference>, isEnded: boolean): Promise<boolean> {
    for (let at = 0; at < maxLeavesInFlight; at++) {
      if (at === this.#slots.length) {
        const next = isEnded ? null : await coming.next();
        if (next === null || next.done === true) return true;
        this.#slots.push({ leaf: next.value, held: null });
      }
      const slot = this.#slots[at]!;
      if (slot.held !== null) continue;
      // A leaf dropped meanwhile comes before it.
      if (at > this.held || (at > 0 && !this.#memory.tryTake(bytesFor(slot.leaf)))) break;
      if (at === 0) await this.#memory.take(bytesFor(slot.leaf), this.#signal);
      slot.held = this.#fetch(slot.leaf);
    }
    return isEnded;
  }

  async *#piecesOf(slot: Slot, from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = from; at < to; at += pieceBytes) {
      const bytes = await this.#bytesOf(slot);
      yield* this.#handed(Uint8Array.from(bytes.subarray(at, Math.min(to, at + pieceBytes))));
    }
  }

  *#handed(piece: Uint8Array): Generator<Uint8Array, void, undefined> {
    this.idleSince = this.#memory.clock.now();
    yield piece;
    this.idleSince = null;
  }

  /** The leaf with the length that it has, and the memory for it. */
  async #measured(slot: Slot): Promise<LeafReference> {
    const { leaf } = slot;
    slot.held ??= await this.#take(leaf);
    const { length } = await slot.held.bytes;
    if (length === leaf.length) return leaf;
    this.#memory.give(leaf.length - length);
    slot.leaf = { ...leaf, length };
    return slot.leaf;
  }

  async #take(leaf: LeafReference): Promise<Held> {
    await this.#memory.take(bytesFor(leaf), this.#signal);
    return this.#fetch(leaf);
  }

  async #bytesOf(slot: Slot): Promise<Uint8Array> {
    slot.held ??= await this.#take(slot.leaf);
    const bytes = await slot.held.bytes;
    if (bytes.length === slot.leaf.length) return bytes;
    throw new ChordialError(
      'bad-content',
      `Block ${slot.leaf.cid} holds ${bytes.length} bytes where its file announces ${slot.leaf.length}. It was published like this.`,
    );
  }

  #fetch(leaf: LeafReference): Held {
    const abort = new AbortController();
    const signal = this.#signal === undefined ? abort.signal : AbortSignal.any([this.#signal, abort.signal]);
    const bytes = leaf.inline === null ? this.#source.fetch(leaf.cid, signal) : Promise.resolve(leaf.inline);
    const held: Held = { bytes, abort };
    const ended = (): void => {
      held.abort = null;
    };
    // A later await sees the failure; until then it must not be unhandled.
    bytes.then(ended, ended);
    return held;
  }

  #drop(slot: Slot): number {
    const { held, leaf } = slot;
    if (held === null) return 0;
    slot.held = null;
    held.abort?.abort();
    if (leaf.inline === null) void held.bytes.then((bytes) => this.#source.release(bytes)).catch(() => undefined);
    return bytesFor(leaf);
  }
}

/** Bytes inside a node are already present. */
function bytesFor({ inline, length }: LeafReference): number {
  return inline === null ? length : 0;
}

function brokenOff(): ChordialError {
  return new ChordialError('interrupted', 'Reading was interrupted.');
}
