/** A control connection opened by another host: HELLO first, then its requests, all on one stream. For bulk see incoming-bulk.ts. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import { decodeAs } from '../wire/schema.ts';
import { withoutMapping } from './addresses.ts';
import type { LinkBandwidth } from './bandwidth.ts';
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
import { backAsk, backPath, registerPath, relayProtocol } from './relay-messages.ts';
import type { Relays } from './relays.ts';
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
  readonly relays: Relays;
  /** Of incomplete bodies. */
  readonly gathered: ByteRoom;
  /** Of answers not read yet. */
  readonly unread: ByteRoom;
  /** Limits on bulk bytes from and to a member at an address, which opened the connection. */
  bandwidthTo(address: string, host: HostId): LinkBandwidth;
  /** An authenticated message of a host. */
  heard(from: Contact): void;
  heardEpoch(from: Contact, epoch: number): void;
  /** In HELLO, before it is heard. */
  greeted(from: Contact): void;
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
  readonly #isForRelaying: boolean;
  #from: Contact | null = null;
  #seenAt: string | null = null;
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
    this.#isForRelaying = socket.alpnProtocol === relayProtocol;
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
    return this.#answering.isBusy || (this.#isForRelaying && this.#context.relays.isBusy(this.#host));
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
    if (!this.#isForRelaying && headers[':method'] === 'POST' && path === controlPath) {
      this.#takeControl(stream, from);
      return;
    }
    if (this.#isForRelaying && this.#takeForRelay(stream, headers)) return;
    this.#refuse(stream, this.#answering.refusal(nothingOfThatName(), 'a stream'));
  }

  get #remoteAddress(): string {
    return withoutMapping(this.#socket.remoteAddress ?? '');
  }

  /** False: nothing of that name. */
  #takeForRelay(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const { relays } = this.#context;
    const asked = `${headers[':method']} ${headers[':path'] ?? ''}`;
    if (asked === `POST ${backPath}`) {
      void this.#run(stream, 'a call', async () => {
        const ask = decodeAs(backAsk, decodeBody(await this.#gather(stream)));
        relays.back(this.#host, this.#remoteAddress, ask);
        this.#respond(stream, 200, encodeBody(null));
      });
      return true;
    }
    const isTunnel = headers[':method'] === 'CONNECT';
    if (!isTunnel && asked !== `POST ${registerPath}`) return false;
    try {
      if (isTunnel) relays.connect(stream, this.#host, headers[':authority'] ?? '');
      else relays.register(stream, this.#host, this.#remoteAddress);
    } catch (error) {
      this.#refuse(stream, this.#answering.refusal(error, 'a tunnel'));
    }
    return true;
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
      seenAt: this.#seenAt,
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
    this.#seenAt = admitted.seenAt;
    this.#context.greeted(admitted.contact);
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
