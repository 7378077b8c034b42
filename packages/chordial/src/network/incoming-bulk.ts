/** A bulk connection opened by another host: HELLO first, then its streams. */
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import { BulkConnection } from './bulk-connection.ts';
import type { BulkExchange } from './bulk-exchange.ts';
import {
  farewellMilliseconds,
  handshakeMilliseconds,
  incomingSilenceMilliseconds,
  kindPattern,
} from './connection-limits.ts';
import { helloCounter } from './counters.ts';
import type { IncomingContext } from './incoming-control.ts';
import type { Guest } from './incoming-room.ts';
import { nothingOfThatName, RequestSlots, tooMany } from './request-slots.ts';
import { admit } from './server-hello.ts';
import { type IncomingStream, type OutgoingStream, TransportError } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

export class IncomingBulk implements Guest {
  readonly #context: IncomingContext;
  readonly #socket: TLSSocket;
  readonly host: HostId;
  readonly #greeted: (connection: IncomingBulk) => boolean;
  readonly #answering: RequestSlots;
  readonly #bulk: BulkConnection;
  readonly #helloTimer: NodeJS.Timeout;
  #from: Contact | null = null;
  #lastUsed = performance.now();

  constructor(
    context: IncomingContext,
    socket: TLSSocket,
    host: HostId,
    greeted: (connection: IncomingBulk) => boolean,
  ) {
    this.#context = context;
    this.#socket = socket;
    this.host = host;
    this.#greeted = greeted;
    this.#answering = new RequestSlots(context);
    this.#helloTimer = setTimeout(() => {
      context.counters.count('hello-too-late');
      this.#bulk.destroy();
    }, handshakeMilliseconds);
    this.#bulk = new BulkConnection(socket, {
      room: context.gathered.share(),
      silence: incomingSilenceMilliseconds,
      bandwidth: context.bandwidthTo(socket.remoteAddress ?? '', host),
      spoke: () => {
        this.#lastUsed = performance.now();
        if (this.#from !== null) context.heard(this.#from);
      },
      ended: (error) => {
        clearTimeout(this.#helloTimer);
        if (error !== null) context.counters.count(error.code === 'busy' ? 'busy' : 'malformed');
      },
      answerer: {
        hello: (body) => this.#hello(body),
        opened: (exchange, kind, header) => void this.#answer(exchange, kind, header),
        tooMany: () => {
          context.counters.count('busy');
          return tooMany();
        },
      },
    });
  }

  get isBusy(): boolean {
    return this.#answering.isBusy;
  }

  get lastUsed(): number {
    return this.#lastUsed;
  }

  end(): void {
    this.#bulk.destroy();
  }

  /** Finishes what is in progress; later requests need a new connection. */
  close(): void {
    this.#bulk.retire();
    setTimeout(() => this.#bulk.destroy(), farewellMilliseconds).unref();
  }

  #hello(body: Buffer): Uint8Array {
    let admitted: ReturnType<typeof admit>;
    try {
      admitted = admit(this.#context.gate, this.host, this.#socket, decodeBody(body));
    } catch (error) {
      this.#context.counters.count(helloCounter(error instanceof TransportError ? error.code : null));
      throw error;
    }
    if (!this.#greeted(this)) {
      throw new TransportError('refused', 'This peer has as many connections as it can take.', 'busy');
    }
    clearTimeout(this.#helloTimer);
    this.#from = admitted.contact;
    this.#context.greeted(admitted.contact);
    this.#context.heard(admitted.contact);
    this.#context.heardEpoch(admitted.contact, admitted.epoch);
    return encodeBody(admitted.answer);
  }

  async #answer(exchange: BulkExchange, kind: string, header: Buffer): Promise<void> {
    try {
      this.#answering.begin();
    } catch (error) {
      this.#refuse(exchange, error, 'a stream');
      return;
    }
    try {
      if (!kindPattern.test(kind)) throw nothingOfThatName();
      // A handler that stops reading early still answers; the caller is told to stop at the end of the answer.
      const incoming = { header: decodeBody(header), payload: exchange.payload(() => undefined) };
      const outgoing = await this.#handled(exchange, kind, incoming);
      if (outgoing === null) return;
      if (exchange.failure !== null) {
        await outgoing.payload?.[Symbol.asyncIterator]().return?.();
        return;
      }
      if (outgoing.payload !== undefined) this.#bulk.bandwidth.check(exchange.traffic);
      this.#bulk.answer(exchange.id, encodeBody(outgoing.header));
      await exchange.send(outgoing);
    } catch (error) {
      this.#refuse(exchange, error, kind);
    } finally {
      this.#answering.end();
    }
  }

  /** Null when the handler refused, and the asker was told. */
  async #handled(exchange: BulkExchange, kind: string, incoming: IncomingStream): Promise<OutgoingStream | null> {
    try {
      return await this.#context.handlers.stream(this.#from!, kind, incoming);
    } catch (error) {
      if (exchange.failure === null) this.#bulk.refuse(exchange, this.#answering.refusalOfHandler(error, kind));
      return null;
    }
  }

  #refuse(exchange: BulkExchange, error: unknown, doing: string): void {
    const refusal = this.#answering.refusal(error, doing);
    if (refusal !== null) this.#bulk.refuse(exchange, refusal);
  }
}
