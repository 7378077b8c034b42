/**
 * Watches one HTTP/2 stream from either end. Node ends a stream properly before it resets it, so that an end alone
 * proves nothing: what was sent is whole only when a trailer says so, which `finish` sends.
 *
 * The rest is about waiting: who waits is woken by whatever happens, and silence of the other side
 * while somebody waits breaks the stream. Time that our own reader or producer takes does not count as silence.
 */
import { type ClientHttp2Stream, constants, type Http2Stream, type IncomingHttpHeaders } from 'node:http2';
import { type TakePiece, TransportError } from './transport.ts';

const wholeTrailer = 'chordial-whole';

export class StreamWatch {
  readonly stream: Http2Stream;
  readonly #silence: number;
  readonly #readable: () => void;
  #failure: TransportError | null = null;
  #ended = false;
  #whole = false;
  #finished = false;
  #waiting = 0;
  #lastProgress = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #wakers: (() => void)[] = [];

  constructor(stream: Http2Stream, silence: number) {
    this.stream = stream;
    this.#silence = silence;
    const progress = () => this.#progress();
    const wake = () => this.#wake();
    this.#readable = progress;
    stream.on('readable', progress);
    stream.on('drain', progress);
    stream.on('response', progress);
    (stream as ClientHttp2Stream).on('trailers', (trailers: IncomingHttpHeaders) => {
      this.#whole = trailers[wholeTrailer] === '1';
    });
    stream.on('wantTrailers', () => {
      const open = !stream.closed && !stream.destroyed;
      if (this.#finished && open) stream.sendTrailers({ [wholeTrailer]: '1' });
    });
    stream.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    // The reason is in rstCode; without a listener an error would end the process.
    stream.on('error', wake);
    stream.on('aborted', wake);
    stream.on('close', () => {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#wake();
    });
  }

  /** Why the stream is broken, or null while it is whole. */
  get failure(): TransportError | null {
    if (this.#failure !== null) return this.#failure;
    const { stream } = this;
    if (stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
      return new TransportError('aborted', `The other side broke the stream off (HTTP/2 code ${stream.rstCode}).`);
    }
    if (this.#ended ? !this.#whole : stream.closed && stream.destroyed) {
      return new TransportError('aborted', 'The stream ended before its end.');
    }
    return null;
  }

  /** All that the other side sent was read. Only whole if there is no failure. */
  get ended(): boolean {
    return this.#ended;
  }

  /** We sent all; the other side may believe it. */
  finish(): void {
    if (this.stream.closed || this.stream.destroyed) return;
    this.#finished = true;
    this.stream.end();
  }

  fail(error: TransportError): void {
    this.#failure ??= error;
    this.stream.close(constants.NGHTTP2_CANCEL);
    this.#wake();
  }

  /** Resolves at the next event, or when `also` settles (its own producer, which is no one's silence but ours). */
  async event(): Promise<void> {
    this.#startWaiting();
    try {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * Hands every piece to `take` from now on, and resolves when the stream has ended, whole or not. While a promise of
   * `take` is open nothing is handed over, and the other side's silence is not its fault.
   */
  async flow(take: TakePiece): Promise<void> {
    const { stream } = this;
    // While anyone listens for it the stream would stay in the other mode.
    stream.off('readable', this.#readable);
    const over = Promise.withResolvers<void>();
    const fail = (error: Error): void => over.reject(error);
    const end = (): void => over.resolve();
    let pause: Promise<void> | null = null;
    const wait = async (taking: Promise<void>): Promise<void> => {
      stream.pause();
      this.#waiting -= 1;
      try {
        await taking;
        stream.resume();
      } catch (error) {
        fail(error as Error);
      }
      this.#startWaiting();
    };
    const data = (piece: Uint8Array): void => {
      this.#lastProgress = performance.now();
      try {
        const taking = take(piece);
        if (taking !== undefined) pause = wait(taking);
      } catch (error) {
        stream.off('data', data);
        stream.pause();
        fail(error as Error);
      }
    };
    stream.once('end', end);
    stream.once('close', end);
    this.#startWaiting();
    try {
      if (this.#ended || stream.destroyed) return;
      stream.on('data', data);
      stream.resume();
      await over.promise;
    } finally {
      await pause;
      this.#waiting -= 1;
      stream.off('data', data);
      stream.off('end', end);
      stream.off('close', end);
    }
  }

  /** The producer's next chunk, or null when the stream broke first. */
  next(producer: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array> | null> {
    return new Promise((resolve, reject) => {
      const closed = () => resolve(null);
      if (this.stream.closed || this.stream.destroyed) return closed();
      this.stream.once('close', closed);
      producer.next().then(
        (step) => {
          this.stream.off('close', closed);
          resolve(step);
        },
        (error) => {
          this.stream.off('close', closed);
          reject(error);
        },
      );
    });
  }

  #startWaiting(): void {
    if (this.#waiting === 0) this.#lastProgress = performance.now();
    this.#waiting += 1;
    if (this.#timer === null) this.#arm(this.#silence);
  }

  #arm(delay: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#waiting === 0 || this.stream.closed) return;
      const silent = performance.now() - this.#lastProgress;
      if (silent >= this.#silence - 1) {
        this.fail(new TransportError('timeout', `Not a byte within ${this.#silence} ms.`));
      } else {
        this.#arm(this.#silence - silent);
      }
    }, delay);
  }

  #progress(): void {
    this.#lastProgress = performance.now();
    this.#wake();
  }

  #wake(): void {
    const wakers = this.#wakers;
    if (wakers.length === 0) return;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}
