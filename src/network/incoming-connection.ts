/** One connection that another host opened: HELLO first, then its questions, each answered or refused by itself. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '../ring/pointer.ts';
import type { ByteRoom, ShareOfRoom } from './byte-room.ts';
import type { RefusalCounters } from './counters.ts';
import {
  handshakeMilliseconds,
  incomingSilenceMilliseconds,
  kindPattern,
  maximumConcurrentStreams,
  smallBodyMilliseconds,
} from './http2-limits.ts';
import { admit, type Gate } from './server-hello.ts';
import { ConnectionLost, encodeRefusal, gatherBody } from './small-exchange.ts';
import { FrameReader, sendStream } from './stream-framing.ts';
import { StreamWatch } from './stream-watch.ts';
import type { Traffic } from './traffic.ts';
import { type Handlers, TransportError } from './transport.ts';
import { decodeBody, encodeBody, maximumBodyBytes } from './wire-body.ts';

export interface IncomingContext {
  readonly gate: Gate;
  readonly handlers: Handlers;
  readonly counters: RefusalCounters;
  readonly traffic: Traffic;
  /** Of bodies that have not arrived whole. */
  readonly gathered: ByteRoom;
  /** Of answers that were not read yet. */
  readonly unread: ByteRoom;
  /** A host said something, authenticated. */
  heard(from: Contact): void;
  learnZone(host: HostId, zone: string | null): void;
  /** A handler threw what it should not: a bug of ours, told to whoever runs the peer. */
  report(error: unknown, doing: string): void;
}

export class IncomingConnection {
  readonly #context: IncomingContext;
  readonly #session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #host: HostId;
  readonly #greeted: () => void;
  readonly #helloTimer: NodeJS.Timeout;
  #from: Contact | null = null;
  #saidHello = false;
  readonly #gathered: ShareOfRoom;
  readonly #unread: ShareOfRoom;
  #running = 0;

  constructor(
    context: IncomingContext,
    session: ServerHttp2Session,
    socket: TLSSocket,
    host: HostId,
    greeted: () => void,
  ) {
    this.#context = context;
    this.#gathered = context.gathered.share();
    this.#unread = context.unread.share();
    this.#session = session;
    this.#socket = socket;
    this.#host = host;
    this.#greeted = greeted;
    this.#helloTimer = setTimeout(() => this.#expel('hello-too-late'), handshakeMilliseconds);
    session.once('close', () => clearTimeout(this.#helloTimer));
    session.on('ping', () => {
      if (this.#from !== null) context.heard(this.#from);
    });
  }

  /** Every stream that the other side opens comes here. */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => this.#context.counters.count('broken-stream'));
    // A question that never ends, or one that we never answer.
    stream.setTimeout(incomingSilenceMilliseconds, () => stream.close(constants.NGHTTP2_CANCEL));
    const path = headers[':path'];
    if (headers[':method'] === 'POST' && path === '/hello' && !this.#saidHello) {
      this.#saidHello = true;
      void this.#run(stream, 'HELLO', () => this.#hello(stream));
      return;
    }
    const from = this.#from;
    if (from === null) {
      this.#expel('before-hello');
      return;
    }
    this.#context.heard(from);
    const [, room, kind] = /^\/(control|bulk)\/(.+)$/.exec(path ?? '') ?? [];
    if (headers[':method'] !== 'POST' || kind === undefined || !kindPattern.test(kind)) {
      this.#context.counters.count('unknown-path');
      this.#refuse(stream, new TransportError('refused', 'There is nothing of that name here.', 'not-found'));
      return;
    }
    if (this.#running >= maximumConcurrentStreams) {
      this.#refuse(stream, this.#counted(tooMany()));
      return;
    }
    const answer = room === 'control' ? this.#request : this.#stream;
    void this.#run(stream, kind, () => answer.call(this, stream, from, kind));
  }

  async #hello(stream: ServerHttp2Stream): Promise<void> {
    try {
      await this.#admit(stream);
    } catch (error) {
      // Told why, and then shown out: one HELLO is all a connection has.
      stream.once('close', () => this.#session.close());
      throw error;
    }
  }

  async #admit(stream: ServerHttp2Stream): Promise<void> {
    const wire = decodeBody(await this.#gather(stream));
    let admitted: ReturnType<typeof admit>;
    try {
      admitted = admit(this.#context.gate, this.#host, this.#socket, wire);
    } catch (error) {
      this.#context.counters.count('hello-refused');
      throw error;
    }
    clearTimeout(this.#helloTimer);
    this.#from = admitted.contact;
    this.#greeted();
    this.#context.learnZone(this.#host, admitted.zone);
    this.#respond(stream, 200, encodeBody(admitted.answer));
    this.#context.heard(admitted.contact);
  }

  async #request(stream: ServerHttp2Stream, from: Contact, kind: string): Promise<void> {
    const body = decodeBody(await this.#gather(stream));
    // Whoever leaves so much unread is not worth the work of another answer.
    if (!this.#unread.fits(leastAnswerBytes)) throw tooMany();
    const answer = encodeBody(await this.#handled(() => this.#context.handlers.request(from, kind, body), kind));
    this.#respondWithin(stream, answer);
  }

  async #stream(stream: ServerHttp2Stream, from: Contact, kind: string): Promise<void> {
    stream.setTimeout(0);
    const watch = new StreamWatch(stream, incomingSilenceMilliseconds);
    const reader = new FrameReader(watch);
    const header = await reader.header();
    // A handler that stops reading early still answers; what comes on is cut off after the answer.
    const payload = reader.payload(() => undefined);
    const outgoing = await this.#handled(() => this.#context.handlers.stream(from, kind, { header, payload }), kind);
    if (stream.closed || stream.destroyed) {
      await outgoing.payload?.[Symbol.asyncIterator]().return?.();
      return;
    }
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    await sendStream(watch, outgoing);
    await this.#finish(stream);
  }

  /** What the caller still sends after our whole answer has left is of no use to anyone. */
  async #finish(stream: ServerHttp2Stream): Promise<void> {
    if (stream.closed || stream.readableEnded) return;
    if (!stream.writableFinished) {
      await new Promise<void>((resolve) => {
        stream.once('finish', resolve);
        stream.once('close', resolve);
      });
    }
    if (stream.closed || stream.readableEnded) return;
    stream.on('data', () => stream.close(constants.NGHTTP2_NO_ERROR));
    stream.resume();
  }

  async #run(stream: ServerHttp2Stream, doing: string, answer: () => Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await answer();
    } catch (error) {
      if (error instanceof ConnectionLost) this.#context.counters.count('broken-stream');
      else if (error instanceof TransportError) this.#refuse(stream, this.#counted(error));
      else {
        this.#context.report(error, `answering ${doing}`);
        this.#refuse(stream, new TransportError('refused', `Answering ${doing} failed here.`, 'internal'));
      }
    } finally {
      this.#running -= 1;
    }
  }

  async #handled<Result>(handle: () => Promise<Result>, kind: string): Promise<Result> {
    try {
      return await handle();
    } catch (error) {
      const expected = error instanceof TransportError;
      this.#context.counters.count(expected ? 'refused-by-handler' : 'handler-failed');
      if (expected) throw new HandlerRefusal(error);
      this.#context.report(error, `answering ${kind}`);
      throw new HandlerRefusal(new TransportError('refused', `Answering ${kind} failed here.`, 'internal'));
    }
  }

  #counted(error: TransportError): TransportError {
    if (error instanceof HandlerRefusal) return error;
    if (error.code === 'too-large') this.#context.counters.count('too-large');
    else if (error.code === 'busy') this.#context.counters.count('busy');
    else if (error.code === 'bad-request') this.#context.counters.count('malformed');
    else if (error.failure !== 'refused') this.#context.counters.count('broken-stream');
    return error;
  }

  async #gather(stream: ServerHttp2Stream): Promise<Buffer> {
    let gathered = 0;
    const grew = (bytes: number) => {
      if (!this.#gathered.take(bytes)) throw tooMany();
      gathered += bytes;
    };
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), smallBodyMilliseconds);
    try {
      return await gatherBody(stream, maximumBodyBytes, grew);
    } finally {
      clearTimeout(timer);
      this.#gathered.give(gathered);
    }
  }

  /** Who asks on and on and reads nothing would have us keep all the answers. Throws `busy`. */
  #respondWithin(stream: ServerHttp2Stream, answer: Uint8Array): void {
    if (stream.closed || stream.destroyed) return;
    if (!this.#unread.take(answer.length)) throw tooMany();
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), smallBodyMilliseconds);
    stream.once('close', () => {
      clearTimeout(timer);
      this.#unread.give(answer.length);
    });
    this.#respond(stream, 200, answer);
  }

  #refuse(stream: ServerHttp2Stream, error: TransportError): void {
    if (stream.headersSent) {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    const [status, body] = encodeRefusal(error.message, error.code);
    this.#respond(stream, status, body);
    // A body that goes on is not wanted; the refusal above still arrives.
    void this.#finish(stream);
  }

  #respond(stream: ServerHttp2Stream, status: number, body: Uint8Array): void {
    if (stream.closed || stream.destroyed) return;
    stream.respond({ ':status': status });
    stream.end(body);
  }

  #expel(why: 'before-hello' | 'hello-too-late'): void {
    this.#context.counters.count(why);
    this.#session.destroy();
  }
}

/** A larger answer may still find no room when it is made. */
const leastAnswerBytes = 64 * 1024;

function tooMany(): TransportError {
  return new TransportError('refused', 'Too many questions at once; ask fewer, and read the answers.', 'busy');
}

/** Already counted as the handler's own. */
class HandlerRefusal extends TransportError {
  constructor(error: TransportError) {
    super('refused', error.message, error.code);
  }
}
