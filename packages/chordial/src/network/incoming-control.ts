/** A control connection opened by another host: HELLO first, then its requests, all on one stream. For bulk see incoming-bulk.ts. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import type { ByteRoom, ShareOfRoom } from './byte-room.ts';
import {
  farewellMilliseconds,
  handshakeMilliseconds,
  incomingSilenceMilliseconds,
  smallBodyMilliseconds,
} from './connection-limits.ts';
import { ControlAnswers } from './control-answers.ts';
import { controlPath } from './control-channel.ts';
import { helloCounter } from './counters.ts';
import type { Guest } from './incoming-room.ts';
import { type AnsweringContext, nothingOfThatName, RequestSlots, tooMany } from './request-slots.ts';
import { admit, type Gate } from './server-hello.ts';
import { encodeRefusal, gatherBody } from './small-exchange.ts';
import type { Traffic } from './traffic.ts';
import { type Handlers, TransportError } from './transport.ts';
import { decodeBody, encodeBody, maxBodyBytes } from './wire-body.ts';

export interface IncomingContext extends AnsweringContext {
  readonly gate: Gate;
  readonly handlers: Handlers;
  readonly traffic: Traffic;
  /** Of incomplete bodies. */
  readonly gathered: ByteRoom;
  /** Of answers not read yet. */
  readonly unread: ByteRoom;
  /** An authenticated message of a host. */
  heard(from: Contact): void;
  heardEpoch(from: Contact, epoch: number): void;
  learnZone(host: HostId, zone: string | null): void;
}

/** A session of a host that proved its identity. */
interface Opened {
  readonly session: ServerHttp2Session;
  readonly socket: TLSSocket;
  readonly host: HostId;
}

export class IncomingControl implements Guest {
  readonly #context: IncomingContext;
  readonly #session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #host: HostId;
  readonly #greeted: (connection: IncomingControl) => boolean;
  readonly #helloTimer: NodeJS.Timeout;
  #from: Contact | null = null;
  #saidHello = false;
  readonly #gathered: ShareOfRoom;
  readonly #answering: RequestSlots;
  #controlStream: ServerHttp2Stream | null = null;
  #lastUsed = performance.now();

  /** `greeted` receives the admission and returns whether there is room for another member. */
  constructor(
    context: IncomingContext,
    { session, socket, host }: Opened,
    greeted: (connection: IncomingControl) => boolean,
  ) {
    this.#context = context;
    this.#gathered = context.gathered.share();
    this.#answering = new RequestSlots(context);
    this.#session = session;
    this.#socket = socket;
    this.#host = host;
    this.#greeted = greeted;
    this.#helloTimer = setTimeout(() => this.#expel('hello-too-late'), handshakeMilliseconds);
    session.once('close', () => clearTimeout(this.#helloTimer));
    session.on('ping', () => {
      if (this.#from !== null) this.#heard(this.#from);
    });
  }

  get host(): HostId {
    return this.#host;
  }

  get isBusy(): boolean {
    return this.#answering.isBusy;
  }

  get lastUsed(): number {
    return this.#lastUsed;
  }

  end(): void {
    this.#session.destroy();
  }

  /** Finishes what is in progress; later requests need a new connection. */
  close(): void {
    if (this.#session.closed || this.#session.destroyed) return;
    this.#session.close();
    setTimeout(() => this.#session.destroy(), farewellMilliseconds).unref();
  }

  /** Every stream that the other side opens comes here. */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => this.#context.counters.count('broken-stream'));
    // A request that never ends, or one that we never answer.
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
    this.#heard(from);
    if (headers[':method'] === 'POST' && path === controlPath) {
      this.#takeControl(stream, from);
      return;
    }
    this.#refuse(stream, this.#answering.refusal(nothingOfThatName(), 'a stream'));
  }

  /** One at a time suffices. */
  #takeControl(stream: ServerHttp2Stream, from: Contact): void {
    if (this.#controlStream !== null && !this.#controlStream.closed) {
      this.#refuse(stream, this.#answering.refusal(tooMany(), 'a control stream'));
      return;
    }
    // Between requests it may be idle as long as the connection is kept.
    stream.setTimeout(0);
    this.#controlStream = stream;
    const { counters, handlers } = this.#context;
    new ControlAnswers(stream, {
      contact: from,
      answering: this.#answering,
      handlers,
      gathered: this.#gathered,
      unread: this.#context.unread.share(),
      heard: () => this.#heard(from),
      count: (name) => counters.count(name),
    });
  }

  async #hello(stream: ServerHttp2Stream): Promise<void> {
    try {
      await this.#admit(stream);
    } catch (error) {
      // Sends the reason, then closes: a connection has one HELLO.
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
      this.#context.counters.count(helloCounter(error instanceof TransportError ? error.code : null));
      throw error;
    }
    if (!this.#greeted(this))
      throw new TransportError('refused', 'This peer has as many connections as it can take.', 'busy');
    clearTimeout(this.#helloTimer);
    this.#from = admitted.contact;
    this.#context.learnZone(this.#host, admitted.zone);
    this.#respond(stream, 200, encodeBody(admitted.answer));
    this.#heard(admitted.contact);
    this.#context.heardEpoch(admitted.contact, admitted.epoch);
  }

  #heard(from: Contact): void {
    this.#lastUsed = performance.now();
    this.#context.heard(from);
  }

  /** Bytes sent after our complete answer are useless. */
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
    try {
      this.#answering.begin();
    } catch (error) {
      this.#refuse(stream, this.#answering.refusal(error, doing));
      return;
    }
    try {
      await answer();
    } catch (error) {
      this.#refuse(stream, this.#answering.refusal(error, doing));
    } finally {
      this.#answering.end();
    }
  }

  async #gather(stream: ServerHttp2Stream): Promise<Buffer> {
    let gathered = 0;
    const grew = (bytes: number) => {
      if (!this.#gathered.take(bytes)) throw tooMany();
      gathered += bytes;
    };
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), smallBodyMilliseconds);
    try {
      return await gatherBody(stream, maxBodyBytes, grew);
    } finally {
      clearTimeout(timer);
      this.#gathered.give(gathered);
    }
  }

  #refuse(stream: ServerHttp2Stream, error: TransportError | null): void {
    if (error === null) return;
    if (stream.headersSent) {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    const [status, body] = encodeRefusal(error);
    this.#respond(stream, status, body);
    // The rest of the body is not wanted; the refusal above still arrives.
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
