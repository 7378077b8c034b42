/** Frames onto a stream: those of one turn of the event loop leave in one write, which costs as much as one of them alone. */
import type { Http2Stream } from 'node:http2';
import { smallBodyMilliseconds } from './http2-limits.ts';
import { Overdue } from './overdue.ts';

/** Longer ones are written one by one: to copy them would cost more. */
const maximumJoinedBytes = 64 * 1024;

export class FrameWriter {
  readonly #stream: Http2Stream;
  readonly #left: (bytes: number) => void;
  readonly #stalled: Overdue;
  #frames: Buffer[] = [];
  #framesBytes = 0;
  #unsentBytes = 0;
  #writes = 0;
  #isClosed = false;

  /** `left` is told of bytes that HTTP/2 took; `stalled` when it took none for so long that nobody reads any more. */
  constructor(stream: Http2Stream, left: (bytes: number) => void, stalled: () => void) {
    this.#stream = stream;
    this.#left = left;
    this.#stalled = new Overdue(smallBodyMilliseconds, stalled);
  }

  /** Bytes that wait for the other side to read. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  push(frame: Buffer): void {
    if (this.#isClosed) return;
    this.#unsentBytes += frame.length;
    this.#framesBytes += frame.length;
    this.#frames.push(frame);
    // After all promises that are settled by now.
    if (this.#frames.length === 1) process.nextTick(this.#flush);
  }

  /** What was not sent never will be, and takes no room. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stalled.close();
    this.#frames = [];
    this.#left(this.#unsentBytes);
    this.#unsentBytes = 0;
  }

  readonly #flush = (): void => {
    const [frames, bytes] = [this.#frames, this.#framesBytes];
    this.#frames = [];
    this.#framesBytes = 0;
    if (this.#isClosed || this.#stream.destroyed || !this.#stream.writable) return;
    const [first] = frames;
    if (frames.length === 1 && first !== undefined) this.#write(first);
    else if (bytes <= maximumJoinedBytes) this.#write(Buffer.concat(frames, bytes));
    else for (const frame of frames) this.#write(frame);
  };

  #write(bytes: Buffer): void {
    if (this.#writes === 0) this.#stalled.begin();
    this.#writes += 1;
    this.#stream.write(bytes, () => this.#wrote(bytes.length));
  }

  #wrote(bytes: number): void {
    if (this.#isClosed) return;
    this.#unsentBytes -= bytes;
    this.#writes -= 1;
    if (this.#writes === 0) this.#stalled.end();
    else this.#stalled.begin();
    this.#left(bytes);
  }
}
