/**
 * One exchange on a bulk connection, seen from either end: a header and a payload each way. The receiver of a payload
 * grants credit for the space that it has, so that memory holds only bytes with a destination.
 */
import { IdleTimer } from '../flow/idle-timer.ts';
import { malformed } from '../wire/transport-error.ts';
import type { Direction, LinkBandwidth, TrafficClass } from './bandwidth.ts';
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
/** Under a limit, at most so many pieces, a twentieth of a second each, are granted ahead of what comes. */
const aheadPieces = 8;
const minAheadBytes = 64 * 1024;
/** How often the other side of an exchange that waits for the own limit is told that it is not forgotten. */
const heldBackMilliseconds = 250;
/** The same over many short waits. */
const oftenHeldBackMilliseconds = 1000;
/** A side that says that its own limit holds it back is believed for so long after the last byte that moved. */
const believedMilliseconds = 60_000;
/** Where silence is judged sooner than usual, so is this. */
const believedSilences = 20;
/** Waiting for a buffer counts as waiting for a limit while others are filled: a disk that hangs frees none. */
const fillingMilliseconds = 1000;
/** Smaller chunks are combined into one frame, as far as they are immediately available. */
const gatheredBytes = 128 * 1024;

/** What an exchange needs of its connection. */
export interface ExchangeLink {
  /** For payloads in pieces. */
  readonly room: ShareOfRoom;
  readonly bandwidth: LinkBandwidth;
  /** When payload last came, on any exchange, by performance.now(). */
  readonly lastData: number;
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
  /** Under which its payload counts, both ways. */
  traffic: TrafficClass;
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
  /** Of what is granted, what no limit has been asked about: it is paid when it comes. */
  #unpaid = initialCredit;
  /** Promised to the payload, and not granted while the limit is used up. */
  #owed = 0;
  #isPaying = false;
  readonly #pieces: Pieces;
  #blocks: BlockIntake | null = null;
  /** The buffer space last handed out. */
  #filling: Pieces | BlockIntake;
  #hasReader = false;
  #sendingHeldBack: (() => void) | undefined;
  #receivingHeldBack: (() => void) | undefined;
  #otherHeldBack: (() => void) | undefined;
  /** When the other side was told of a wait for the own limit, by performance.now(). */
  #lastTold = Number.NEGATIVE_INFINITY;
  /** Payload, either way; by performance.now(). */
  #lastMoved = performance.now();
  readonly #believed: number;
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
    this.traffic = side === 'caller' ? 'people' : 'serving';
    this.#believed = Math.min(believedMilliseconds, believedSilences * silence);
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

  /** Silence of the other side is timed meanwhile; an event that changes nothing does not end it. */
  async #until(isThere: () => boolean): Promise<void> {
    if (isThere()) return;
    this.#silence.begin();
    try {
      while (!isThere()) await new Promise<void>((resolve) => this.#wakers.push(resolve));
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
    await this.#until(() => this.#answer !== null || this.#failure !== null);
    if (this.#answer === null) throw this.#failure;
    return this.#answer;
  }

  /** Accepts a payload frame. Throws a TransportError for more than was granted, which closes the connection. */
  expect(bytes: number): void {
    if (this.#incomingEnded) throw malformed('payload after its end');
    if (bytes > this.#granted) throw malformed(`${bytes} bytes of payload where ${this.#granted} were granted`);
    this.#granted -= bytes;
    const { bandwidth } = this.#link;
    const unpaid = Math.min(bytes, this.#unpaid);
    this.#unpaid -= unpaid;
    bandwidth.take('down', this.traffic, unpaid);
    bandwidth.count('down', this.traffic, bytes);
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
    this.#moved();
    if (this.#isOver || this.#isUnread) return;
    if (this.#owed > 0) void this.#payCredit();
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

  /** No bytes: the other side waits for a limit of its own. Credit alone does not extend the wait without end. */
  credited(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, Number.MAX_SAFE_INTEGER);
    if (performance.now() - this.#lastMoved < this.#believed) {
      this.#silence.progress();
      if (bytes === 0) this.#otherHeldBack?.();
    }
    this.#wake();
  }

  stopped(): void {
    this.#isUnwanted = true;
    this.progress();
  }

  /** Sends a payload to its end. A failing producer aborts the exchange. Never rejects. */
  async send({
    payload,
    heldBack,
    receiverHeldBack,
  }: Pick<OutgoingStream, 'payload' | 'heldBack' | 'receiverHeldBack'>): Promise<void> {
    const producer = payload?.[Symbol.asyncIterator]();
    let isWhole = false;
    if (heldBack !== undefined) this.#sendingHeldBack = heldBack;
    if (receiverHeldBack !== undefined) this.#otherHeldBack = receiverHeldBack;
    try {
      isWhole = producer === undefined || (await this.#produce(producer));
    } catch (error) {
      const isOurs = error instanceof TransportError;
      this.fail(isOurs ? error : new TransportError('aborted', `The source failed: ${(error as Error).message}`));
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
      countAs: (traffic) => {
        this.traffic = traffic;
      },
    };
  }

  /** Whether everything was sent; otherwise the rest is not wanted. */
  async #produce(producer: AsyncIterator<Uint8Array>): Promise<boolean> {
    const gathered = new GatheredChunks();
    let hasRoom = true;
    for (;;) {
      const next = producer.next();
      if (!gathered.isEmpty && !(await isAtHand(next))) await this.#write(gathered.take());
      const step: IteratorResult<Uint8Array> | null = await (hasRoom
        ? this.#unlessOver(next)
        : this.#whileHeldBack(this.#unlessOver(next)));
      if (step === null) return false;
      if (step.done === true) break;
      hasRoom = step.value.length > 0;
      if (!hasRoom) continue;
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
      await this.#until(() => this.#credit > 0 || this.#mayNotSend);
      if (this.#mayNotSend) return;
      const most = this.#link.bandwidth.piece('up', this.traffic, maxDataBytes);
      const count = Math.min(chunk.length - offset, this.#credit, most);
      await this.#pass('up', count, this.#sendingHeldBack);
      if (this.#mayNotSend) return;
      this.#credit -= count;
      this.#link.bandwidth.count('up', this.traffic, count);
      await this.#link.sendData(this.id, chunk.subarray(offset, offset + count));
      this.#moved();
      offset += count;
    }
  }

  #moved(): void {
    this.#lastMoved = performance.now();
    this.#silence.progress();
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
        if (this.#incomingEnded) return await this.#pass('down', 0, undefined);
        await this.#until(() => !this.#pieces.isEmpty || this.#failure !== null || this.#incomingEnded);
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
    let release = (): void => undefined;
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
        release();
        const isFilling = (): boolean => performance.now() - this.#link.lastData < fillingMilliseconds;
        release = held && !isOver ? this.#holdBack(this.#receivingHeldBack, isFilling) : () => undefined;
      },
      failed: (error) => failed.reject(error),
    });
    this.#receivingHeldBack = () => receiver.heldBack?.();
    this.#otherHeldBack = () => receiver.senderHeldBack?.();
    this.#silence.begin();
    try {
      this.#link.bandwidth.check(this.traffic);
      this.#blocks = blocks;
      blocks.arm();
      await Promise.race([this.#untilThere(blocks), failed.promise]);
      // Small payloads come without asking: the next one waits until they are paid.
      await this.#pass('down', 0, this.#receivingHeldBack);
    } finally {
      isOver = true;
      release();
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
    this.#everGranted += bytes;
    if (this.#owed > 0 || this.#link.bandwidth.isLimited('down', this.traffic)) {
      this.#owed += bytes;
      void this.#payCredit();
      return;
    }
    this.#unpaid += bytes;
    this.#giveCredit(bytes);
  }

  #giveCredit(bytes: number): void {
    this.#granted += bytes;
    this.#link.sendCredit(this.id, bytes);
  }

  /** Grants what is owed as the limit allows, a little ahead of what comes, so that others can have the rest. */
  async #payCredit(): Promise<void> {
    if (this.#isPaying) return;
    this.#isPaying = true;
    const { bandwidth } = this.#link;
    const isOpen = (): boolean => !this.#isOver && !this.#incomingEnded;
    try {
      while (this.#owed > 0 && isOpen()) {
        const piece = bandwidth.piece('down', this.traffic, maxDataBytes);
        const isLimited = bandwidth.isLimited('down', this.traffic);
        if (isLimited && this.#granted >= Math.max(minAheadBytes, aheadPieces * piece)) return;
        const bytes = isLimited ? Math.min(this.#owed, piece) : this.#owed;
        await this.#pass('down', bytes, this.#receivingHeldBack, isOpen);
        if (!isOpen()) return;
        this.#owed -= bytes;
        this.#giveCredit(bytes);
      }
    } catch (error) {
      this.#failWith(error as Error);
    } finally {
      this.#isPaying = false;
    }
  }

  /** Waits for this host's own limit. Rejects with a TransportError when nothing of its class moves now. */
  async #pass(
    way: Direction,
    bytes: number,
    heldBack: (() => void) | undefined,
    isWanted = () => !this.#isOver,
  ): Promise<void> {
    const passing = this.#link.bandwidth.pass(way, this.traffic, bytes, isWanted);
    if (passing === null) return;
    if (performance.now() - this.#lastTold >= oftenHeldBackMilliseconds) this.#tellHeldBack();
    await this.#whileHeldBack(passing, heldBack);
  }

  async #whileHeldBack<Value>(waiting: Promise<Value>, heldBack = this.#sendingHeldBack): Promise<Value> {
    const stop = this.#holdBack(heldBack);
    try {
      return await waiting;
    } finally {
      stop();
    }
  }

  /** Until the answer is called, neither side takes the wait for silence of the other. */
  #holdBack(heldBack: (() => void) | undefined, isTrue = () => true): () => void {
    heldBack?.();
    const timer = setInterval(() => {
      if (!isTrue()) return;
      heldBack?.();
      this.#silence.progress();
      this.#tellHeldBack();
    }, heldBackMilliseconds).unref();
    return () => clearInterval(timer);
  }

  #tellHeldBack(): void {
    if (this.#isOver) return;
    this.#lastTold = performance.now();
    this.#link.sendCredit(this.id, 0);
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
    this.#link.bandwidth.giveBack('down', this.traffic, this.#granted - this.#unpaid);
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
