/**
 * The Transport of production: HTTP/2, and a framing of its own for blocks, over TLS 1.3 with a certificate at both ends.
 *
 * Each host is server and client. To another host lead at most two connections of ours, one for control and one for
 * bulk, so that a heartbeat never waits behind a block. On each, HELLO comes first (hello.ts); then over the HTTP/2 of control
 *
 *   POST /control   one stream for all small questions and their answers, at most 1 MiB each (control-frames.ts)
 *   PING            liveness
 *
 * and over bulk frames of exchanges: a header and raw payload both ways (bulk-connection.ts).
 *
 * A connection that ends says nothing about its host: the next use dials again, and only that tells.
 * A control request whose connection is lost in flight is sent once more, so it can arrive twice.
 */

import { type Contact, type HostId, type Milliseconds, shareAddress } from '@chordial/ring';
import { type Address, formatAddress, parseAddress } from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';
import { ByteRoom } from './byte-room.ts';
import { tlsCredentials } from './certificate.ts';
import { heardMilliseconds, kindPattern, maxPendingRequests, smallBodyRoom } from './connection-limits.ts';
import { ConnectionPool, type PoolEvents, type PooledBulk, type PooledControl, using } from './connection-pool.ts';
import { type Counters, RefusalCounters } from './counters.ts';
import { TransportClosing, type Wait, within } from './deadline.ts';
import { type Caller, type Connection, checkAnswer } from './dial.ts';
import type { Genesis } from './genesis.ts';
import type { Identity } from './identity.ts';
import { Members } from './members.ts';
import { OwnContact } from './own-contact.ts';
import { PeerServer } from './peer-server.ts';
import { ConnectionLost } from './small-exchange.ts';
import { Traffic, type TrafficCounts } from './traffic.ts';
import {
  type Handlers,
  type IncomingStream,
  type OutgoingStream,
  type RequestOptions,
  type Transport,
  TransportError,
  type Wire,
} from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

export interface TlsTransportOptions {
  readonly identity: Identity;
  readonly genesis: Genesis;
  /** Admission and this host's own documents; by default only the genesis is known. */
  readonly members?: Members;
  /** `HOST:PORT`; port 0 takes any free one. */
  readonly listen: string;
  readonly advertise?: string;
  readonly zone?: string;
  /** Hosts (without port) at which others see this machine, learned when joining. */
  readonly observed?: readonly string[];
  /** Receives bugs of handlers. Default: standard error. */
  readonly report?: (error: unknown, doing: string) => void;
  /** For tests on one machine: these addresses count as remote. */
  readonly treatAsRemote?: (address: string) => boolean;
  readonly dialFrom?: string;
  /** HELLO carried the other side's epoch of the membership log. */
  readonly heardEpoch?: (from: Contact, epoch: number) => void;
}

const maxKnownHosts = 4096;

export class TlsTransport implements Transport {
  readonly self: HostId;
  readonly #options: TlsTransportOptions;
  readonly #listen: Address;
  readonly #counters = new RefusalCounters();
  readonly #traffic = new Traffic();
  readonly #lastHeard = new BoundedCache<HostId, number>(maxKnownHosts);
  /** Addresses that each host gave itself in its last HELLO or answer. */
  readonly #contacts = new BoundedCache<HostId, Contact>(maxKnownHosts);
  readonly #zones = new BoundedCache<HostId, string>(maxKnownHosts);
  readonly #pool: ConnectionPool;
  readonly #closing = new TransportClosing();
  readonly #treatAsRemote: (address: string) => boolean;
  readonly #contact: OwnContact;
  readonly #members: Members;
  #listening: string;
  #server: PeerServer | null = null;
  #handlers: Handlers | null = null;

  /** Throws `bad-address` for an invalid listen or advertise. */
  constructor(options: TlsTransportOptions) {
    this.#options = options;
    this.self = options.identity.host;
    this.#listen = parseAddress(options.listen, true);
    this.#listening = options.listen;
    this.#treatAsRemote = options.treatAsRemote ?? (() => false);
    this.#contact = new OwnContact(this.self, options);
    const { identity, genesis } = options;
    this.#members = options.members ?? new Members({ genesis, signer: identity, wallTime: Date.now });
    const members = this.#members;
    const caller: Caller = {
      host: this.self,
      credentials: tlsCredentials(options.identity),
      network: members.network,
      refused: (proof) => members.takeProof(proof),
      papers: () => ({ shown: members.shown(), name: members.name, epoch: members.epoch }),
      zone: options.zone ?? null,
      contactFor: (remote, local) => this.#contact.for(remote, local),
      ...(options.dialFrom === undefined ? {} : { dialFrom: options.dialFrom }),
    };
    const said = (host: HostId) => this.#contacts.get(host) ?? null;
    const events: PoolEvents = {
      count: (name) => this.#counters.count(name),
      heard: (from) => this.#heard(from),
    };
    this.#pool = new ConnectionPool(caller, (connection) => this.#accept(connection), events, said);
  }

  /** Where others reach this peer; loopback last, if at all. Empty before `serve`. */
  get contact(): Contact {
    return this.#contact.everywhere;
  }

  /** `HOST:PORT` with the real port. */
  get listening(): string {
    return this.#listening;
  }

  get traffic(): TrafficCounts {
    return this.#traffic.read();
  }

  get counters(): Counters {
    return this.#counters.read();
  }

  /** A recent host's label for itself. */
  zoneOf(host: HostId): string | null {
    return this.#zones.get(host) ?? null;
  }

  async serve(handlers: Handlers): Promise<void> {
    this.#handlers = handlers;
    const { identity, zone } = this.#options;
    const server = new PeerServer(tlsCredentials(identity), {
      gate: {
        members: this.#members,
        zone: zone ?? null,
        contactFor: (remote, local) => this.#contact.for(remote, local),
        treatAsRemote: this.#treatAsRemote,
      },
      handlers,
      counters: this.#counters,
      traffic: this.#traffic,
      gathered: new ByteRoom(smallBodyRoom),
      unread: new ByteRoom(smallBodyRoom),
      heard: (from) => this.#heard(from),
      heardEpoch: (from, epoch) => this.#options.heardEpoch?.(from, epoch),
      learnZone: (host, given) => this.#learnZone(host, given),
      report: this.#options.report ?? reportOnStandardError,
    });
    const bound = await server.listen(this.#listen);
    this.#server = server;
    this.#listening = formatAddress(bound);
    this.#contact.bind(bound);
  }

  async request(to: Contact, kind: string, body: Wire, options: RequestOptions): Promise<Wire> {
    checkKind(kind);
    const bytes = encodeBody(body);
    this.#traffic.countQuestion();
    return this.#bounded(to, options, (wait) =>
      this.#exchange(to, wait, ({ channel }) => channel.ask(kind, bytes, wait)),
    );
  }

  async stream(to: Contact, kind: string, outgoing: OutgoingStream, options: RequestOptions): Promise<IncomingStream> {
    checkKind(kind);
    this.#traffic.countQuestion();
    const pooled = await this.#bounded(to, options, () => this.#pool.bulk(to));
    return openStream(pooled, kind, outgoing, options);
  }

  async ping(to: Contact, timeout: Milliseconds): Promise<Milliseconds> {
    this.#traffic.countPing();
    return this.#bounded(to, { deadline: timeout }, (wait) =>
      this.#exchange(to, wait, ({ connection: { session }, spoke }) => {
        return new Promise<Milliseconds>((resolve, reject) => {
          const lost = () => reject(new ConnectionLost('The connection closed during a ping.'));
          if (session.closed || session.destroyed) return lost();
          // Too many pending requests: one of the earlier ones will tell.
          const sent = session.ping((error, duration) => {
            if (error !== null) return lost();
            spoke();
            resolve(duration);
          });
          if (!sent) reject(new TransportError('timeout', `${to.host} leaves pings unanswered.`));
        });
      }),
    );
  }

  /** Closes every connection with a removed host; `Members` prevents new ones. */
  expel(host: HostId): void {
    this.#pool.drop(host);
    this.#server?.expel(host);
    this.#contacts.delete(host);
  }

  async close(): Promise<void> {
    this.#closing.close();
    this.#pool.close();
    await this.#server?.close();
  }

  /** Over a connection, and once more over a new one if that was lost. */
  async #exchange<Answer>(to: Contact, wait: Wait, ask: (pooled: PooledControl) => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const pooled = this.#pool.standing(to) ?? (await this.#pool.control(to));
      if (wait.isOver) throw new TransportError('aborted', 'The answer is no longer awaited.');
      if (pooled.inUse >= maxPendingRequests) {
        throw new TransportError('refused', `${to.host} has ${maxPendingRequests} pending requests.`, 'busy');
      }
      pooled.unansweredSince ??= performance.now();
      pooled.inUse += 1;
      try {
        return await ask(pooled);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (this.#closing.isClosing) throw new TransportError('unreachable', 'This peer is shutting down.');
        if (attempt === 2) throw new TransportError('timeout', `${to.host} answered nothing: ${error.message}`);
      } finally {
        pooled.inUse -= 1;
        pooled.lastUsed = performance.now();
      }
    }
  }

  #bounded<Result>(to: Contact, options: RequestOptions, run: (wait: Wait) => Promise<Result>): Promise<Result> {
    if (this.#members.isRemoved(to.host)) {
      const message = `${to.host} was removed from the network.`;
      return Promise.reject(new TransportError('unreachable', message, 'member-removed'));
    }
    return within(options, this.#closing, run, () => this.#pool.doubt(to));
  }

  #accept(connection: Connection): void {
    this.#traffic.watch(connection.socket);
    checkAnswer(connection, this.#members);
    this.#options.heardEpoch?.(connection.contact, connection.hello.epoch);
    this.#learnZone(connection.contact.host, connection.hello.zone);
    this.#contact.observe(connection.contact.host, connection.hello.observedAddress);
  }

  #learnZone(host: HostId, zone: string | null): void {
    if (zone !== null) this.#zones.set(host, zone);
  }

  #heard(from: Contact): void {
    const before = this.#contacts.get(from.host) ?? null;
    if (from.addresses.length > 0 && before !== from) this.#contacts.set(from.host, from);
    const hasMoved = from.addresses.length > 0 && before !== null && before !== from && !shareAddress(before, from);
    const now = performance.now();
    if (!hasMoved && now - (this.#lastHeard.get(from.host) ?? Number.NEGATIVE_INFINITY) < heardMilliseconds) return;
    this.#lastHeard.set(from.host, now);
    this.#handlers?.heard?.(from);
  }
}

function checkKind(kind: string): void {
  if (!kindPattern.test(kind))
    throw new TransportError('refused', `${JSON.stringify(kind)} is no kind of message.`, 'bad-request');
}

function reportOnStandardError(error: unknown, doing: string): void {
  console.error(`A bug while ${doing}:`, error);
}

/** Rejects with the refusal, or with the TransportError that ended the exchange. */
export async function openStream(
  pooled: PooledBulk,
  kind: string,
  { header, payload }: OutgoingStream,
  { deadline, signal }: RequestOptions,
): Promise<IncomingStream> {
  if (signal?.aborted) throw new TransportError('aborted', 'The caller gave up.');
  const exchange = pooled.connection.bulk.open(kind, encodeBody(header), deadline);
  const abort = () => exchange.fail(new TransportError('aborted', 'The caller gave up.'));
  signal?.addEventListener('abort', abort);
  // The connection is in use until the exchange has ended on either side.
  void using(pooled, () => exchange.over);
  void exchange.over.then(() => signal?.removeEventListener('abort', abort));
  void exchange.send(payload);
  const answer = await exchange.answer();
  const stopped = () => exchange.fail(new TransportError('aborted', 'The reader stopped.'));
  try {
    return { header: decodeBody(answer), payload: exchange.payload(stopped) };
  } catch (error) {
    stopped();
    throw error;
  }
}
