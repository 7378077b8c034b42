/** Parses a control stream until the first invalid or too slow frame. */
import { BadFrame, ControlFrameReader, type FrameSink } from './control-frames.ts';
import { smallBodyMilliseconds } from './http2-limits.ts';
import { IdleTimer } from './idle-timer.ts';

export class FrameIntake {
  readonly #reader: ControlFrameReader;
  readonly #bad: (error: BadFrame) => void;
  readonly #dripping: IdleTimer;
  /** Number of frames read when the current one began. */
  #begunAfter = -1;
  #isClosed = false;

  constructor(sink: FrameSink, bad: (error: BadFrame) => void) {
    this.#reader = new ControlFrameReader(sink);
    this.#bad = bad;
    this.#dripping = new IdleTimer(smallBodyMilliseconds, () => this.#fail(new BadFrame('A frame came too slowly.')));
  }

  push(piece: Buffer): void {
    if (this.#isClosed) return;
    try {
      this.#reader.push(piece);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#fail(error);
      return;
    }
    const { isAmidFrame, framesRead } = this.#reader;
    if (!isAmidFrame) this.#dripping.end();
    else if (framesRead !== this.#begunAfter) {
      this.#begunAfter = framesRead;
      this.#dripping.begin();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#dripping.close();
    this.#reader.close();
  }

  #fail(error: BadFrame): void {
    this.close();
    this.#bad(error);
  }
}
