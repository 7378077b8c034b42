/**
 * Writes frames to a stream: those of one turn of the event loop are combined into one write, which costs as much as a
 * single one.
 */
import type { Http2Stream } from 'node:http2';
import { IdleTimer } from '../flow/idle-timer.ts';
import { smallBodyMilliseconds } from './connection-limits.ts';

/** Longer frames are written separately: copying would cost more. */
const maxJoinedBytes = 64 * 1024;
/** With this much queued in HTTP/2, long frames wait, so that short ones have little ahead of them. */
const maxWrittenBytes = 256 * 1024;

export interface FrameWriterOptions {
  /** Otherwise short frames may overtake long ones. */
  readonly inOrder: boolean;
  /** Called with bytes that are no longer queued. */
  left(bytes: number): void;
  /** Nothing was read for so long that the reader is gone. */
  stalled(): void;
}

export class FrameWriter {
  readonly #stream: Pick<Http2Stream, 'write' | 'writable'>;
  readonly #options: FrameWriterOptions;
  readonly #stalled: IdleTimer;
  #frames: Buffer[] = [];
  #framesBytes = 0;
  readonly #long: Buffer[] = [];
  #isDue = false;
  #unsentBytes = 0;
  #writtenBytes = 0;
  #isClosed = false;

  constructor(stream: Pick<Http2Stream, 'write' | 'writable'>, options: FrameWriterOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#stalled = new IdleTimer(smallBodyMilliseconds, () => options.stalled());
  }

  /** Bytes not yet read by the other side. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  push(frame: Buffer): void {
    if (this.#isClosed) return;
    this.#unsentBytes += frame.length;
    if (frame.length > maxJoinedBytes && !this.#options.inOrder) this.#long.push(frame);
    else {
      this.#frames.push(frame);
      this.#framesBytes += frame.length;
    }
    if (this.#isDue) return;
    this.#isDue = true;
    // After all promises settled so far.
    process.nextTick(this.#flush);
  }

  /** What was not sent is dropped and its room released. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stalled.close();
    this.#frames = [];
    this.#long.length = 0;
    this.#options.left(this.#unsentBytes);
    this.#unsentBytes = 0;
  }

  readonly #flush = (): void => {
    this.#isDue = false;
    if (this.#isClosed || !this.#stream.writable) return;
    const [frames, bytes] = [this.#frames, this.#framesBytes];
    if (frames.length > 0) {
      this.#frames = [];
      this.#framesBytes = 0;
    }
    if (frames.length > 1 && bytes <= maxJoinedBytes) this.#write(Buffer.concat(frames, bytes));
    else for (const frame of frames) this.#write(frame);
    while (this.#writtenBytes < maxWrittenBytes) {
      const frame = this.#long.shift();
      if (frame === undefined) return;
      this.#write(frame);
    }
  };

  #write(bytes: Buffer): void {
    if (this.#writtenBytes === 0) this.#stalled.begin();
    this.#writtenBytes += bytes.length;
    this.#stream.write(bytes, () => this.#wrote(bytes.length));
  }

  #wrote(bytes: number): void {
    if (this.#isClosed) return;
    this.#unsentBytes -= bytes;
    this.#writtenBytes -= bytes;
    if (this.#writtenBytes === 0) this.#stalled.end();
    else this.#stalled.progress();
    this.#options.left(bytes);
    if (this.#long.length > 0) this.#flush();
  }
}
