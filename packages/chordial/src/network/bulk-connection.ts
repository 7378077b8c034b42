/**
 * A bulk connection: TLS with ALPN `chordial-bulk/1`, carrying concurrent exchanges (bulk-frames.ts, bulk-exchange.ts).
 * The dialling side opens them. HELLO comes first; anything else before it, an invalid frame, or more bytes than
 * granted closes the connection.
 */

import type { Socket } from 'node:net';
import { IdleTimer } from '../flow/idle-timer.ts';
import { malformed } from '../wire/transport-error.ts';
import type { LinkBandwidth, TrafficClass } from './bandwidth.ts';
import { BulkExchange, type ExchangeLink } from './bulk-exchange.ts';
import {
  decodeFrameHeader,
  decodeOpening,
  encodeCredit,
  encodeFrame,
  encodeFrameHeader,
  encodeOpening,
  type FrameHeader,
  type FrameKind,
  frameHeaderBytes,
  initialCredit,
} from './bulk-frames.ts';
import type { ShareOfRoom } from './byte-room.ts';
import { smallBodyMilliseconds } from './connection-limits.ts';
import { ConnectionLost, encodeRefusal, readRefusal } from './small-exchange.ts';
import { TransportError } from './transport.ts';
import { type ByteSink, readInto } from './user-buffer.ts';

export const bulkProtocol = 'chordial-bulk/1';

/** Exchanges that another host may have open per connection; further ones are refused. */
const maxExchanges = 40;
/** Unsent answers and grants; a host that reads none of them loses the connection. */
const maxUnsentBytes = 8 * 1024 * 1024;
const scratch = new Uint8Array(64 * 1024);

/** The accepting side. */
export interface BulkAnswerer {
  /** The answer's bytes. An error is the refusal, and closes the connection. */
  hello(body: Buffer): Uint8Array;
  opened(exchange: BulkExchange, kind: string, header: Buffer): void;
  /** More exchanges than may be open. */
  tooMany(): TransportError;
}

export interface BulkOptions {
  readonly room: ShareOfRoom;
  /** Null on the dialling side. */
  readonly answerer: BulkAnswerer | null;
  /** Limits on its payload. */
  readonly bandwidth: LinkBandwidth;
  /** Bytes arrived. */
  spoke(): void;
  /** The connection has ended; `error` if it was malformed. */
  ended(error: TransportError | null): void;
  /** Idle limit in milliseconds of a caller's exchange, on the accepting side. */
  readonly silence: number;
  /** For tests: by `data` events. */
  readonly plain?: boolean;
}

export class BulkConnection implements ExchangeLink, ByteSink {
  readonly socket: Socket;
  readonly #options: BulkOptions;
  readonly #exchanges = new Map<number, BulkExchange>();
  readonly #overdue: IdleTimer;
  readonly #stuck: IdleTimer;
  readonly #header = Buffer.alloc(frameHeaderBytes);
  #headerFilled = 0;
  #frame: FrameHeader | null = null;
  #body: Buffer | null = null;
  #filled = 0;
  /** The exchange of a payload frame. */
  #receiver: BulkExchange | null = null;
  #isScratch = false;
  #lastId = 0;
  /** Bytes that may still arrive for ended exchanges. */
  #strayCredit = 0;
  #lastData = Number.NEGATIVE_INFINITY;
  #isGreeted = false;
  #greeting: PromiseWithResolvers<Buffer> | null = null;
  #turn: Promise<void> = Promise.resolve();
  #fault: TransportError | null = null;
  #isClosed = false;
  /** Closed by us: further bytes are ignored. */
  #isDestroyed = false;

  constructor(socket: Socket, options: BulkOptions) {
    this.socket = socket;
    this.#options = options;
    this.#overdue = new IdleTimer(smallBodyMilliseconds, () => this.destroy(malformed('a frame came too slowly')));
    this.#stuck = new IdleTimer(options.silence, () => this.destroy());
    socket.on('error', () => undefined);
    socket.once('close', () => this.#closed());
    if (socket.destroyed) this.#closed();
    else readInto(socket, this, options.plain);
  }

  get isClosed(): boolean {
    return this.#isClosed || this.socket.destroyed;
  }

  get room(): ShareOfRoom {
    return this.#options.room;
  }

  get bandwidth(): LinkBandwidth {
    return this.#options.bandwidth;
  }

  get lastData(): number {
    return this.#lastData;
  }

  /** HELLO and its answer. Rejects with the refusal, or with ConnectionLost. */
  greet(body: Uint8Array): Promise<Buffer> {
    const greeting = Promise.withResolvers<Buffer>();
    this.#greeting = greeting;
    if (this.isClosed) greeting.reject(new ConnectionLost('The connection is closing.'));
    this.#write(encodeFrame('hello', 0, body));
    return greeting.promise;
  }

  /** @param silence milliseconds. */
  open(kind: string, header: Uint8Array, silence: number, traffic: TrafficClass = 'people'): BulkExchange {
    this.#lastId += 1;
    const exchange = new BulkExchange(this.#lastId, this, 'caller', silence);
    exchange.traffic = traffic;
    if (this.isClosed || this.#lastId > 0xffff_fff0) {
      exchange.broken(new TransportError('timeout', 'The connection was just lost.'));
      return exchange;
    }
    this.#exchanges.set(exchange.id, exchange);
    this.#write(encodeFrame('open', exchange.id, encodeOpening(kind, header)));
    return exchange;
  }

  answer(id: number, header: Uint8Array): void {
    this.#write(encodeFrame('answer', id, header));
  }

  /** In place of an answer, or after its beginning, which interrupts it. */
  refuse(exchange: BulkExchange, error: TransportError): void {
    if (!this.#exchanges.has(exchange.id)) return;
    this.#refuse(exchange.id, error);
    exchange.broken(error);
  }

  async sendData(id: number, bytes: Uint8Array): Promise<void> {
    const before = this.#turn;
    const { promise, resolve: done } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    if (this.isClosed || !this.#exchanges.has(id)) return done();
    this.socket.write(encodeFrameHeader('data', id, bytes.length));
    this.#stuck.begin();
    this.socket.write(bytes, () => {
      this.#stuck.end();
      done();
    });
    await promise;
  }

  sendCredit(id: number, bytes: number): void {
    this.#write(encodeCredit(id, bytes));
  }

  signal(id: number, kind: 'end' | 'stop' | 'break'): void {
    this.#write(encodeFrame(kind, id));
  }

  over(id: number, granted: number): void {
    if (this.#exchanges.delete(id)) this.#strayCredit += granted;
  }

  /** No new exchanges; those in progress are finished. */
  retire(): void {
    if (this.#exchanges.size === 0) this.socket.end();
    else void Promise.all([...this.#exchanges.values()].map(({ over }) => over)).then(() => this.socket.end());
  }

  destroy(fault: TransportError | null = null): void {
    this.#fault ??= fault;
    this.#isDestroyed = true;
    this.socket.destroy();
  }

  space(): Uint8Array {
    if (this.#isDestroyed) return scratch;
    const frame = this.#frame;
    if (frame === null) return this.#header.subarray(this.#headerFilled);
    if (this.#body !== null) return this.#body.subarray(this.#filled);
    const left = frame.length - this.#filled;
    const space = this.#receiver?.space(left) ?? null;
    this.#isScratch = space === null;
    return space ?? scratch.subarray(0, Math.min(left, scratch.length));
  }

  filled(bytes: number): void {
    if (this.#isDestroyed) return;
    try {
      this.#take(bytes);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.destroy(error);
    }
  }

  #take(bytes: number): void {
    const frame = this.#frame;
    if (frame === null) {
      this.#headerFilled += bytes;
      if (this.#headerFilled === frameHeaderBytes) this.#begin(decodeFrameHeader(this.#header));
      return;
    }
    this.#filled += bytes;
    if (frame.kind === 'data') this.#lastData = performance.now();
    if (this.#body === null && !this.#isScratch) this.#receiver?.filled(bytes);
    if (this.#filled === frame.length) this.#complete(frame);
  }

  #begin(frame: FrameHeader): void {
    this.#headerFilled = 0;
    this.#filled = 0;
    this.#options.spoke();
    if (!this.#isGreeted && frame.kind !== 'hello' && !(frame.kind === 'refuse' && frame.id === 0)) {
      throw malformed(`a frame "${frame.kind}" before HELLO`);
    }
    if (frame.kind === 'data') {
      this.#expectData(frame);
    } else if (frame.length > 0) {
      if (!this.room.take(frame.length)) throw new TransportError('refused', 'No room for a message.', 'busy');
      this.#body = Buffer.allocUnsafeSlow(frame.length);
      this.#overdue.begin();
    }
    this.#frame = frame;
    if (frame.length === 0) this.#complete(frame);
  }

  #expectData({ id, length }: FrameHeader): void {
    this.#lastData = performance.now();
    this.#receiver = this.#exchanges.get(id) ?? null;
    if (this.#receiver !== null) {
      this.#receiver.expect(length);
    } else {
      if (id > this.#lastId) throw malformed('payload of an exchange that was not opened');
      this.#strayCredit -= length;
      this.bandwidth.take('down', 'serving', length);
      if (this.#strayCredit < 0) throw malformed('payload that was not granted');
    }
  }

  #complete(frame: FrameHeader): void {
    const body = this.#body;
    this.#frame = null;
    this.#body = null;
    this.#receiver = null;
    if (body !== null) {
      this.#overdue.end();
      this.room.give(body.length);
    }
    if (frame.kind !== 'data') this.#dispatch(frame, body ?? Buffer.alloc(0));
  }

  #dispatch({ kind, id }: FrameHeader, body: Buffer): void {
    if (kind === 'hello') this.#hello(body);
    else if (kind === 'open') this.#open(id, body);
    else if (kind === 'refuse' && id === 0) this.#refusedHello(body);
    else this.#tell(kind, id, body);
  }

  #tell(kind: FrameKind, id: number, body: Buffer): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) {
      if (id > this.#lastId) throw malformed(`a frame "${kind}" of an exchange that was not opened`);
      return;
    }
    if (kind === 'credit') exchange.credited(body.readUInt32BE());
    else if (kind === 'end') exchange.ended();
    else if (kind === 'stop') exchange.stopped();
    else if (kind === 'break') exchange.broken(new TransportError('aborted', 'The other side interrupted the stream.'));
    else if (this.#options.answerer !== null) throw malformed(`a frame "${kind}" from the one who asks`);
    else if (kind === 'answer') exchange.answered(body);
    else exchange.broken(readRefusal(422, body));
  }

  #hello(body: Buffer): void {
    const { answerer } = this.#options;
    if (this.#isGreeted) throw malformed('a second HELLO');
    if (answerer === null) {
      if (this.#greeting === null) throw malformed('an answer to no HELLO');
      this.#isGreeted = true;
      this.#greeting.resolve(body);
      return;
    }
    try {
      const answer = answerer.hello(body);
      this.#isGreeted = true;
      this.#write(encodeFrame('hello', 0, answer));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#refuse(0, error);
      // Sends the reason, then closes.
      this.socket.end();
    }
  }

  #refusedHello(body: Buffer): void {
    if (this.#options.answerer !== null || this.#greeting === null) throw malformed('a refusal of nothing');
    this.#greeting.reject(readRefusal(403, body));
    this.socket.end();
  }

  #open(id: number, body: Buffer): void {
    const { answerer, silence } = this.#options;
    if (answerer === null) throw malformed('an exchange from the one who was dialled');
    if (id <= this.#lastId) throw malformed('an exchange that was opened before');
    this.#lastId = id;
    const { kind, header } = decodeOpening(body);
    if (this.#exchanges.size >= maxExchanges || this.socket.writableLength > maxUnsentBytes / 2) {
      this.#strayCredit += initialCredit;
      this.#refuse(id, answerer.tooMany());
      return;
    }
    const exchange = new BulkExchange(id, this, 'answerer', silence);
    this.#exchanges.set(id, exchange);
    answerer.opened(exchange, kind, header);
  }

  #refuse(id: number, error: TransportError): void {
    const [, body] = encodeRefusal(error);
    this.#write(encodeFrame('refuse', id, body));
  }

  #write(frame: Buffer): void {
    if (this.isClosed || this.socket.writableEnded) return;
    this.socket.write(frame);
    if (this.socket.writableLength > maxUnsentBytes) {
      this.destroy(new TransportError('refused', 'Answers are not read.', 'busy'));
    }
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#overdue.close();
    this.#stuck.close();
    if (this.#body !== null) this.room.give(this.#body.length);
    this.#body = null;
    const lost = 'The connection closed before the stream was complete.';
    for (const exchange of [...this.#exchanges.values()]) exchange.broken(new TransportError('timeout', lost));
    this.#greeting?.reject(new ConnectionLost('The connection closed during HELLO.'));
    this.#options.ended(this.#fault);
  }
}
