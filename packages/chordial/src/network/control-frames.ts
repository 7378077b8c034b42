/**
 * Questions and answers one after the other on one stream, as frames:
 *
 *   question   length u32 | id u32 | length of the kind u8 | kind, ASCII | DAG-CBOR
 *   answer     length u32 | id u32 | status u16 | DAG-CBOR
 *
 * Numbers are big-endian, the length counts what follows it, and ids of questions grow from 1 on. Answers come in any order.
 */
import type { CounterName } from './counters.ts';
import { maxBodyBytes } from './wire-body.ts';

const lengthBytes = 4;
const idBytes = 4;
const statusBytes = 2;
/** Length and id: enough to match a frame. */
const headBytes = lengthBytes + idBytes;
export const maxId = 0xffffffff;
export const maxKindBytes = 64;
/** After the length; a request's head is the longest. */
const maxFrameBytes = idBytes + 1 + maxKindBytes + maxBodyBytes;

/** An invalid frame; nothing after it can be parsed. */
export class BadFrame extends Error {
  readonly counted: CounterName;
  constructor(message: string, counted: CounterName = 'malformed') {
    super(message);
    this.counted = counted;
  }
}

/** `kind` of at most 64 ASCII characters. */
export function encodeQuestion(id: number, kind: string, body: Uint8Array): Buffer {
  const frame = frameOf(id, 1 + kind.length + body.length);
  frame[headBytes] = kind.length;
  frame.write(kind, headBytes + 1, 'latin1');
  frame.set(body, headBytes + 1 + kind.length);
  return frame;
}

export function encodeAnswer(id: number, status: number, body: Uint8Array): Buffer {
  const frame = frameOf(id, statusBytes + body.length);
  frame.writeUInt16BE(status, headBytes);
  frame.set(body, headBytes + statusBytes);
  return frame;
}

function frameOf(id: number, restBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + restBytes);
  frame.writeUInt32BE(idBytes + restBytes);
  frame.writeUInt32BE(id, lengthBytes);
  return frame;
}

/** `rest` is what follows the id. Throws BadFrame. */
export function decodeQuestion(rest: Buffer): { readonly kind: string; readonly body: Buffer } {
  const end = 1 + (rest[0] ?? 0);
  if (end === 1 || end > 1 + maxKindBytes || end > rest.length) {
    throw new BadFrame('The kind of a question is not as long as it says.');
  }
  return { kind: rest.toString('latin1', 1, end), body: rest.subarray(end) };
}

/** `rest` is what follows the id. Throws BadFrame. */
export function decodeAnswer(rest: Buffer): { readonly status: number; readonly body: Buffer } {
  if (rest.length < statusBytes) throw new BadFrame('An answer has no status.');
  return { status: rest.readUInt16BE(), body: rest.subarray(statusBytes) };
}

export interface FrameSink {
  /** A complete frame: `rest` is what follows the id. */
  take(id: number, rest: Buffer): void;
  /** Whether so many bytes may be held until the frame is complete. */
  makeRoom(bytes: number): boolean;
  giveRoom(bytes: number): void;
  /** There was no room for this one; it is skipped. */
  missed(id: number): void;
}

/** Parses frames from chunks of any size. Complete frames are not copied. */
export class ControlFrameReader {
  readonly #sink: FrameSink;
  /** Less than a head, at the end of the last chunk. */
  #stub: Buffer | null = null;
  /** An incomplete frame, without its length; null when there is none. */
  #frame: Buffer | null = null;
  #filled = 0;
  /** Remaining bytes of a skipped frame. */
  #unwanted = 0;
  #framesRead = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** A frame is incomplete. */
  get isAmidFrame(): boolean {
    return this.#frame !== null || this.#stub !== null || this.#unwanted > 0;
  }

  /** Number of complete ones, skipped or not. */
  get framesRead(): number {
    return this.#framesRead;
  }

  /** Throws BadFrame; nothing after it may be read. */
  push(piece: Buffer): void {
    const bytes = this.#stub === null ? piece : Buffer.concat([this.#stub, piece]);
    this.#stub = null;
    let at = this.#continue(bytes);
    while (bytes.length - at >= headBytes) {
      const start = at + lengthBytes;
      const length = checkedLength(bytes.readUInt32BE(at));
      if (start + length > bytes.length) {
        this.#begin(length, bytes.subarray(start));
        return;
      }
      this.#hand(bytes.subarray(start, start + length));
      at = start + length;
    }
    if (at === bytes.length) return;
    // Nothing more is awaited after an invalid length.
    if (bytes.length - at >= lengthBytes) checkedLength(bytes.readUInt32BE(at));
    this.#stub = Buffer.from(bytes.subarray(at));
  }

  /** Releases the memory. */
  close(): void {
    if (this.#frame !== null) this.#sink.giveRoom(this.#frame.length);
    this.#frame = null;
    this.#stub = null;
  }

  #hand(frame: Buffer): void {
    this.#framesRead += 1;
    this.#sink.take(frame.readUInt32BE(), frame.subarray(idBytes));
  }

  #begin(length: number, beginning: Buffer): void {
    if (!this.#sink.makeRoom(length)) {
      this.#unwanted = length - beginning.length;
      this.#sink.missed(beginning.readUInt32BE());
      return;
    }
    // Allocated at full length: a slow sender costs no more than its bytes.
    this.#frame = Buffer.allocUnsafeSlow(length);
    this.#filled = beginning.copy(this.#frame);
  }

  /** Start of the next frame. */
  #continue(bytes: Buffer): number {
    if (this.#unwanted > 0) {
      const skipped = Math.min(this.#unwanted, bytes.length);
      this.#unwanted -= skipped;
      if (this.#unwanted === 0) this.#framesRead += 1;
      return skipped;
    }
    const frame = this.#frame;
    if (frame === null) return 0;
    const copied = bytes.copy(frame, this.#filled);
    this.#filled += copied;
    if (this.#filled === frame.length) {
      this.#frame = null;
      this.#sink.giveRoom(frame.length);
      this.#hand(frame);
    }
    return copied;
  }
}

function checkedLength(length: number): number {
  if (length > maxFrameBytes) throw new BadFrame(`A frame of ${length} bytes is too long.`, 'too-large');
  if (length <= idBytes) throw new BadFrame(`A frame of ${length} bytes is none.`);
  return length;
}
