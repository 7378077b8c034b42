/**
 * One exchange on a bulk connection, seen from either end: a header and a payload each way. The receiver of a payload
 * grants credit for the space that it has, so that memory holds only bytes with a destination.
 */
import { IdleTimer } from '../flow/idle-timer.ts';
import { malformed } from '../wire/transport-error.ts';
import { initialCredit, maxDataBytes } from './bulk-frames.ts';
import { BlockIntake, Pieces, tooManyBytes } from './bulk-payload.ts';
import type { ShareOfRoom } from './byte-room.ts';
import {
  type BlockBuffers,
  type IncomingPayload,
  type OutgoingStream,
  type TakePiece,
  TransportError,
} from './transport.ts';

/** Unread bytes of a payload delivered in pieces. */
const piecesCredit = 1024 * 1024;
/** Credit is granted in portions of at least this, so that small blocks do not cost a frame each. */
const minCredit = 128 * 1024;
/** Smaller chunks are combined into one frame, as far as they are immediately available. */
const gatheredBytes = 128 * 1024;

/** What an exchange needs of its connection. */
export interface ExchangeLink {
  /** For payloads in pieces. */
  readonly room: ShareOfRoom;
  /** One payload frame; resolves when the bytes may be reused. Exchanges take turns. */
  sendData(id: number, bytes: Uint8Array): Promise<void>;
  sendCredit(id: number, bytes: number): void;
  signal(id: number, kind: 'end' | 'stop' | 'break'): void;
  /** Both sides are done; `granted` bytes of payload may still arrive. */
  over(id: number, granted: number): void;
}

export class BulkExchange {
  readonly id: number;
  readonly #link: ExchangeLink;
  readonly #isCaller: boolean;
  readonly #silence: IdleTimer;
  readonly #over = Promise.withResolvers<void>();
  #failure: TransportError | null = null;
  #wakers: (() => void)[] = [];
  #isOver = false;

  #answer: Buffer | null = null;
  #credit = initialCredit;
  #hasSentAll = false;
  #isUnwanted = false;

  #granted = initialCredit;
  #everGranted = initialCredit;
  readonly #pieces: Pieces;
  #blocks: BlockIntake | null = null;
  /** The buffer space last handed out. */
  #filling: Pieces | BlockIntake;
  #hasReader = false;
  /** The reader stopped: further bytes are discarded. */
  #isUnread = false;
  #isPlacing = false;
  /** The receiver's error. */
  #thrown: Error | null = null;
  #incomingEnded = false;
  #readToGrant = 0;

  /** @param silence milliseconds that the other side may be silent while awaited */
  constructor(id: number, link: ExchangeLink, side: 'caller' | 'answerer', silence: number) {
    this.id = id;
    this.#link = link;
    this.#isCaller = side === 'caller';
    this.#pieces = new Pieces(link.room);
    this.#filling = this.#pieces;
    this.#silence = new IdleTimer(silence, () =>
      this.fail(new TransportError('timeout', `Not a byte within ${silence} ms.`)),
    );
  }

  get failure(): TransportError | null {
    return this.#failure;
  }

  /** The other side's payload is complete. */
  get isWhole(): boolean {
    return this.#incomingEnded;
  }

  /** Resolves when the exchange has ended, whatever the outcome. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Resolves at the next event of any kind. Silence of the other side is timed meanwhile. */
  async event(): Promise<void> {
    this.#silence.begin();
    try {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    } finally {
      this.#silence.end();
    }
  }

  /** Ends the exchange for both sides. */
  fail(error: TransportError): void {
    if (this.#isOver) return;
    this.#failure ??= error;
    this.#link.signal(this.id, 'break');
    this.#end();
  }

  /** The other side or the connection ended it. */
  broken(error: TransportError): void {
    if (this.#isOver) return;
    this.#failure ??= error;
    this.#end();
  }

  progress(): void {
    this.#silence.progress();
    this.#wake();
  }

  answered(header: Buffer): void {
    if (this.#answer !== null) throw malformed('a second answer');
    this.#answer = header;
    this.progress();
  }

  /** The header of the answer. Rejects with the refusal, or with the reason why the exchange failed. */
  async answer(): Promise<Buffer> {
    for (;;) {
      if (this.#answer !== null) return this.#answer;
      if (this.#failure !== null) throw this.#failure;
      await this.event();
    }
  }

  /** Accepts a payload frame. Throws a TransportError for more than was granted, which closes the connection. */
  expect(bytes: number): void {
    if (this.#incomingEnded) throw malformed('payload after its end');
    if (bytes > this.#granted) throw malformed(`${bytes} bytes of payload where ${this.#granted} were granted`);
    this.#granted -= bytes;
  }

  /** Destination of the next bytes, at most `most`; null when no longer wanted. */
  space(most: number): Uint8Array | null {
    if (this.#isOver || this.#isUnread) return null;
    try {
      if (this.#blocks === null || !this.#pieces.isEmpty) this.#filling = this.#pieces;
      else if (this.#blocks.hasSpace) this.#filling = this.#blocks;
      else if (this.#blocks.areAllThere) throw tooManyBytes();
      else this.#filling = this.#pieces;
      return this.#filling.space(most);
    } catch (error) {
      this.#failWith(error as Error);
      return null;
    }
  }

  /** That many bytes were written to the space last handed out. */
  filled(bytes: number): void {
    this.#silence.progress();
    if (this.#isOver || this.#isUnread) return;
    try {
      this.#filling.filled(bytes);
      if (this.#filling === this.#pieces) {
        this.#placePieces();
        this.#wake();
      }
    } catch (error) {
      this.#failWith(error as Error);
    }
  }

  ended(): void {
    if (this.#incomingEnded) throw malformed('a second end of a payload');
    this.#incomingEnded = true;
    this.progress();
    this.#endWhenDone();
  }

  credited(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, Number.MAX_SAFE_INTEGER);
    this.progress();
  }

  stopped(): void {
    this.#isUnwanted = true;
    this.progress();
  }

  /** Sends a payload to its end. A failing producer aborts the exchange. Never rejects. */
  async send(payload: OutgoingStream['payload']): Promise<void> {
    const producer = payload?.[Symbol.asyncIterator]();
    let isWhole = false;
    try {
      isWhole = producer === undefined || (await this.#produce(producer));
    } catch (error) {
      this.fail(new TransportError('aborted', `The source failed: ${(error as Error).message}`));
    } finally {
      // Not awaited: a producer that is waiting notices when it resumes.
      if (!isWhole) void producer?.return?.()?.catch(() => undefined);
    }
    if (this.#isOver) return;
    if (isWhole) this.#link.signal(this.id, 'end');
    this.#hasSentAll = true;
    this.#endWhenDone();
  }

  /** `stopped` is called when the reader stops early. */
  payload(stopped: () => void): IncomingPayload {
    const pieces = this.#readPieces(stopped);
    return {
      [Symbol.asyncIterator]: () => pieces,
      drain: async (take: TakePiece) => {
        for await (const piece of pieces) {
          const taking = take(piece);
          if (taking !== undefined) await taking;
        }
      },
      receive: (receiver) => this.#receive(receiver, stopped),
    };
  }

  /** Whether everything was sent; otherwise the rest is not wanted. */
  async #produce(producer: AsyncIterator<Uint8Array>): Promise<boolean> {
    const gathered = new GatheredChunks();
    for (;;) {
      const next = producer.next();
      if (!gathered.isEmpty && !(await isAtHand(next))) await this.#write(gathered.take());
      const step = await this.#unlessOver(next);
      if (step === null) return false;
      if (step.done === true) break;
      if (!gathered.fits(step.value)) await this.#write(gathered.take());
      if (gathered.fits(step.value)) gathered.add(step.value);
      else await this.#write(step.value);
      if (this.#mayNotSend) return false;
    }
    await this.#write(gathered.take());
    return !this.#mayNotSend;
  }

  get #mayNotSend(): boolean {
    return this.#isOver || this.#isUnwanted;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length; ) {
      while (this.#credit === 0 && !this.#mayNotSend) await this.event();
      if (this.#mayNotSend) return;
      const count = Math.min(chunk.length - offset, this.#credit, maxDataBytes);
      this.#credit -= count;
      await this.#link.sendData(this.id, chunk.subarray(offset, offset + count));
      this.#silence.progress();
      offset += count;
    }
  }

  /** Null when nothing may be sent before the promise settles. */
  #unlessOver<Value>(promise: Promise<Value>): Promise<Value | null> {
    return new Promise((resolve, reject) => {
      promise.then(resolve, reject);
      const look = (): void => {
        if (this.#mayNotSend) resolve(null);
        else this.#wakers.push(look);
      };
      look();
    });
  }

  async *#readPieces(stopped: () => void): AsyncGenerator<Uint8Array, void, undefined> {
    this.#hasReader = true;
    try {
      this.#grant(piecesCredit - initialCredit);
      for (;;) {
        const piece = this.#pieces.peek();
        if (piece !== null) {
          this.#pieces.consume(piece.length);
          this.#readToGrant += piece.length;
          if (this.#readToGrant >= minCredit) this.#grant(this.#readToGrant);
          yield piece;
          continue;
        }
        if (this.#failure !== null) throw this.#failure;
        if (this.#incomingEnded) return;
        await this.event();
      }
    } finally {
      this.#leave(stopped);
    }
  }

  #leave(stopped: () => void): void {
    this.#isUnread = true;
    this.#pieces.drop();
    if (!this.#incomingEnded) stopped();
  }

  async #receive(receiver: BlockBuffers, stopped: () => void): Promise<void> {
    this.#hasReader = true;
    let [isHeld, isOver] = [false, false];
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    const blocks = new BlockIntake(receiver, {
      armed: () => {
        this.#placePieces();
        this.#grantArmed(blocks);
        this.#wake();
      },
      held: (held) => {
        // Waiting for our own buffer is not silence of the other side.
        if (held !== isHeld && !isOver) this.#silence[held ? 'end' : 'begin']();
        isHeld = held;
      },
      failed: (error) => failed.reject(error),
    });
    this.#silence.begin();
    try {
      this.#blocks = blocks;
      blocks.arm();
      await Promise.race([this.#untilThere(blocks), failed.promise]);
    } finally {
      isOver = true;
      if (!isHeld) this.#silence.end();
      blocks.abandon();
      this.#leave(stopped);
    }
  }

  async #untilThere(blocks: BlockIntake): Promise<void> {
    for (;;) {
      if (this.#failure !== null) throw this.#thrown ?? this.#failure;
      if (this.#incomingEnded && blocks.areAllThere) {
        if (!this.#pieces.isEmpty) throw tooManyBytes();
        return;
      }
      if (this.#incomingEnded && this.#pieces.isEmpty) throw malformed('fewer bytes came than its blocks have');
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  /** Bytes that arrived before their destination was known. */
  #placePieces(): void {
    const blocks = this.#blocks;
    // Placing bytes completes blocks, which makes room for more.
    if (blocks === null || this.#isPlacing) return;
    this.#isPlacing = true;
    try {
      for (let piece = this.#pieces.peek(); piece !== null && blocks.hasSpace; piece = this.#pieces.peek()) {
        const space = blocks.space(piece.length);
        space.set(piece.subarray(0, space.length));
        this.#pieces.consume(space.length);
        blocks.filled(space.length);
      }
    } finally {
      this.#isPlacing = false;
    }
  }

  #grantArmed(blocks: BlockIntake): void {
    const owed = blocks.everArmedBytes - this.#everGranted;
    if (owed > 0 && (owed >= minCredit || this.#granted < minCredit || blocks.areAllArmed)) this.#grant(owed);
  }

  #grant(bytes: number): void {
    this.#readToGrant = 0;
    if (this.#isOver || this.#incomingEnded) return;
    this.#granted += bytes;
    this.#everGranted += bytes;
    this.#link.sendCredit(this.id, bytes);
  }

  #failWith(error: Error): void {
    this.#failure ??=
      error instanceof TransportError
        ? error
        : new TransportError('aborted', `What came was not taken: ${error.message}`);
    this.#thrown ??= error;
    this.fail(this.#failure);
  }

  #endWhenDone(): void {
    if (!this.#hasSentAll || (this.#isCaller && !this.#incomingEnded)) return;
    // Bytes sent after our complete answer are useless.
    if (!this.#incomingEnded) this.#link.signal(this.id, 'stop');
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#silence.close();
    if (!this.#hasReader) this.#pieces.drop();
    this.#link.over(this.id, this.#granted);
    this.#over.resolve();
    this.#wake();
  }

  #wake(): void {
    const wakers = this.#wakers;
    if (wakers.length === 0) return;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}

class GatheredChunks {
  #buffer: Uint8Array | null = null;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  fits(chunk: Uint8Array): boolean {
    return chunk.length <= gatheredBytes / 2 && this.#length + chunk.length <= gatheredBytes;
  }

  add(chunk: Uint8Array): void {
    this.#buffer ??= Buffer.allocUnsafeSlow(gatheredBytes);
    this.#buffer.set(chunk, this.#length);
    this.#length += chunk.length;
  }

  /** Valid until the next chunk is added. */
  take(): Uint8Array {
    const bytes = this.#buffer?.subarray(0, this.#length) ?? new Uint8Array(0);
    this.#length = 0;
    return bytes;
  }
}

/** Whether it settles in this turn of the event loop. */
function isAtHand(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const settled = (): void => resolve(true);
    promise.then(settled, settled);
    setImmediate(() => resolve(false));
  });
}
