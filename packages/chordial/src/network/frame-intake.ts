/** Parses a control stream until the first invalid or too slow frame. */
import { IdleTimer } from '../flow/idle-timer.ts';
import { smallBodyMilliseconds } from './connection-limits.ts';
import { BadFrame, ControlFrameReader, type FrameSink } from './control-frames.ts';

export class FrameIntake {
  readonly #reader: ControlFrameReader;
  readonly #bad: (error: BadFrame) => void;
  readonly #dripping: IdleTimer;
  /** Number of frames read when the current one began; null between frames. */
  #begunAfter: number | null = null;
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
    const current = isAmidFrame ? framesRead : null;
    if (current === this.#begunAfter) return;
    if (this.#begunAfter !== null) this.#dripping.end();
    if (current !== null) this.#dripping.begin();
    this.#begunAfter = current;
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
