/**
 * The received payload of an exchange. Blocks of known sizes are read directly into their buffers (`BlockIntake`);
 * bytes that arrive before their destination is known, and other payloads, are queued.
 */

import { malformed } from '../wire/transport-error.ts';
import type { ShareOfRoom } from './byte-room.ts';
import { type BlockBuffers, TransportError } from './transport.ts';

const pieceBytes = 64 * 1024;
/** Buffers waiting for bytes: keeps a path of 40 ms at 100 MB/s busy. At least one block. */
const maxArmedBytes = 4 * 1024 * 1024;

interface Armed {
  readonly index: number;
  readonly bytes: Uint8Array;
}

interface Piece {
  readonly bytes: Uint8Array;
  from: number;
  to: number;
}

/** Bytes without a destination. Their memory is charged to the connection. */
export class Pieces {
  readonly #room: ShareOfRoom;
  readonly #held: Piece[] = [];

  constructor(room: ShareOfRoom) {
    this.#room = room;
  }

  get isEmpty(): boolean {
    return this.peek() === null;
  }

  /** At least one byte. Throws a TransportError `busy` when there is no room. */
  space(most: number): Uint8Array {
    let last = this.#held.at(-1);
    if (last === undefined || last.to === last.bytes.length) {
      if (!this.#room.take(pieceBytes)) {
        throw new TransportError('refused', 'Too many bytes wait here for their readers.', 'busy');
      }
      last = { bytes: Buffer.allocUnsafeSlow(pieceBytes), from: 0, to: 0 };
      this.#held.push(last);
    }
    return last.bytes.subarray(last.to, Math.min(last.bytes.length, last.to + most));
  }

  filled(count: number): void {
    const last = this.#held.at(-1);
    if (last !== undefined) last.to += count;
  }

  /** The oldest bytes, or null. */
  peek(): Uint8Array | null {
    const [first] = this.#held;
    return first === undefined || first.from === first.to ? null : first.bytes.subarray(first.from, first.to);
  }

  consume(count: number): void {
    const first = this.#held[0]!;
    first.from += count;
    if (first.from < first.bytes.length) return;
    this.#held.shift();
    this.#room.give(pieceBytes);
  }

  /** Discards them. */
  drop(): void {
    this.#room.give(this.#held.length * pieceBytes);
    this.#held.length = 0;
  }
}

/** Callbacks of a block intake to its exchange. */
export interface BlockIntakeEvents {
  /** More bytes have a destination now. */
  armed(): void;
  /** Whether a buffer is awaited without which nothing can be received. */
  held(isHeld: boolean): void;
  failed(error: Error): void;
}

export class BlockIntake {
  readonly #receiver: BlockBuffers;
  readonly #events: BlockIntakeEvents;
  readonly #armed: Armed[] = [];
  #armedBytes = 0;
  #everArmedBytes = 0;
  #next = 0;
  #isAllocating = false;
  #filled = 0;
  #isOver = false;

  constructor(receiver: BlockBuffers, events: BlockIntakeEvents) {
    this.#receiver = receiver;
    this.#events = events;
  }

  get hasSpace(): boolean {
    return this.#armed.length > 0;
  }

  /** Total size of all buffers ever armed: the total credit. */
  get everArmedBytes(): number {
    return this.#everArmedBytes;
  }

  get areAllArmed(): boolean {
    return this.#next === this.#receiver.sizes.length && !this.#isAllocating;
  }

  get areAllThere(): boolean {
    return this.areAllArmed && this.#armed.length === 0;
  }

  space(most: number): Uint8Array {
    const { bytes } = this.#armed[0]!;
    return bytes.subarray(this.#filled, Math.min(bytes.length, this.#filled + most));
  }

  filled(count: number): void {
    this.#receiver.progress?.(count);
    this.#filled += count;
    if (this.#filled === this.#armed[0]!.bytes.length) {
      this.#complete();
      this.arm();
    }
  }

  /** Requests buffers ahead of the bytes. */
  arm(): void {
    const { sizes } = this.#receiver;
    while (!this.#isAllocating && !this.#isOver && this.#next < sizes.length) {
      if (this.#armedBytes > 0 && this.#armedBytes + sizes[this.#next]! > maxArmedBytes) break;
      const index = this.#next++;
      const buffer = this.#receiver.allocate(index, sizes[index]!);
      if (buffer instanceof Promise) this.#await(index, buffer);
      else this.#add(index, buffer);
    }
    this.#events.armed();
  }

  /** No more bytes will arrive. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { index, bytes } of this.#armed.splice(0)) this.#receiver.abandoned?.(index, bytes.length);
  }

  #await(index: number, buffer: Promise<Uint8Array>): void {
    this.#isAllocating = true;
    this.#events.held(this.#armed.length === 0);
    buffer.then(
      (bytes) => {
        this.#isAllocating = false;
        this.#events.held(false);
        if (this.#isOver) {
          this.#receiver.abandoned?.(index, bytes.length);
          return;
        }
        try {
          this.#add(index, bytes);
          this.arm();
        } catch (error) {
          this.#events.failed(error as Error);
        }
      },
      (error: Error) => {
        this.#isAllocating = false;
        this.#events.held(false);
        this.#events.failed(error);
      },
    );
  }

  #add(index: number, bytes: Uint8Array): void {
    this.#armed.push({ index, bytes });
    this.#armedBytes += bytes.length;
    this.#everArmedBytes += bytes.length;
    this.#completeEmpty();
  }

  #complete(): void {
    const { index, bytes } = this.#armed.shift()!;
    this.#armedBytes -= bytes.length;
    this.#filled = 0;
    this.#receiver.complete(index, bytes);
    this.#completeEmpty();
    if (this.#armed.length === 0 && this.#isAllocating) this.#events.held(true);
  }

  /** An empty block is complete when those before it are. */
  #completeEmpty(): void {
    while (this.#armed[0]?.bytes.length === 0) this.#complete();
  }
}

export function tooManyBytes(): TransportError {
  return malformed('more bytes came than its blocks have');
}
