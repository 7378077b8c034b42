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

import { isIP } from 'node:net';
import { type Contact, type HostId, type Milliseconds, sameContact, shareAddress } from '@chordial/ring';
import {
  type Address,
  directAddresses,
  formatAddress,
  isHidden,
  isInOwnSubnet,
  isOwnAddress,
  isRelay,
  parseAddress,
  withoutMapping,
} from './addresses.ts';
import { answerCall } from './answer-call.ts';
import { BackConnections } from './back-connections.ts';
import { Bandwidth, type LinkBandwidth, type LinkEnd } from './bandwidth.ts';
import { BoundedCache } from './bounded-cache.ts';
import { ByteRoom } from './byte-room.ts';
import { tlsCredentials } from './certificate.ts';
import { heardMilliseconds, kindPattern, maxPendingRequests, smallBodyRoom } from './connection-limits.ts';
import {
  ConnectionPool,
  endIfSilent,
  type PoolEvents,
  type PooledBulk,
  type PooledControl,
  using,
} from './connection-pool.ts';
import { type Counters, RefusalCounters } from './counters.ts';
import { TransportClosing, type Wait, within } from './deadline.ts';
import { type BulkCaller, type Connection, checkAnswer, openSocket } from './dial.ts';
import type { Genesis } from './genesis.ts';
import { Hidden } from './hidden.ts';
import type { Identity } from './identity.ts';
import type { NetworkChange } from './interface-watch.ts';
import { Members } from './members.ts';
import { OwnContact } from './own-contact.ts';
import { PeerServer } from './peer-server.ts';
import { defaultRelayBytesPerSecond, type RelayCounts, Relays } from './relays.ts';
import { ConnectionLost } from './small-exchange.ts';
import { systemClock, systemRandom } from './system-clock.ts';
import { openThrough, type ThroughPorts } from './through-relay.ts';
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

/** Whether members on other networks can dial this host, as far as that is known. */
export interface Reachability {
  /** None could. */
  isHidden(): boolean;
  /** One did. */
  isOpen(): boolean;
}

export interface TlsTransportOptions {
  readonly identity: Identity;
  readonly genesis: Genesis;
  /** Admission and this host's own documents; by default only the genesis is known. */
  readonly members?: Members;
  /** `HOST:PORT`; port 0 takes any free one. */
  readonly listen: string;
  readonly advertise?: string;
  /** Zone of this host, as zones are written; by default that of its public address, if it has one. */
  readonly zone?: string;
  /** Hosts (without port) at which others see this machine, learned when joining. */
  readonly observed?: readonly string[];
  /** Receives bugs of handlers. Default: standard error. */
  readonly report?: (error: unknown, doing: string) => void;
  /** For tests on one machine: these addresses count as remote. */
  readonly treatAsRemote?: (address: string) => boolean;
  readonly dialFrom?: string;
  /** Where a host was found on the LAN; dialled there first. */
  readonly nearby?: (host: HostId) => readonly string[];
  /** Limits on bulk bytes; unless given, of repair alone. */
  readonly bandwidth?: Bandwidth;
  /** By default neither hidden nor proved open. */
  readonly reachability?: Reachability;
  /** Bytes a second that this host copies for hidden ones, in all; 0 relays nothing. */
  readonly relayBytesPerSecond?: number;
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
  readonly #pool: ConnectionPool;
  readonly #closing = new TransportClosing();
  /** Of what others have called this host to. */
  readonly #ending = new AbortController();
  readonly #treatAsRemote: (address: string) => boolean;
  readonly #contact: OwnContact;
  readonly #bandwidth: Bandwidth;
  readonly #members: Members;
  readonly #caller: BulkCaller;
  readonly #backs = new BackConnections();
  readonly #relays: Relays;
  readonly #reachability: Reachability;
  #hidden: Hidden | null = null;
  #moved = (): void => {};
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
    this.#contact = new OwnContact(this.self, options, () => this.#moved());
    const { identity, genesis } = options;
    this.#members = options.members ?? new Members({ genesis, signer: identity, wallTime: Date.now });
    const members = this.#members;
    this.#bandwidth = options.bandwidth ?? new Bandwidth({ clock: systemClock });
    const reachability = options.reachability ?? { isHidden: () => false, isOpen: () => false };
    this.#reachability = reachability;
    this.#relays = new Relays({
      clock: systemClock,
      bytesPerSecond: options.relayBytesPerSecond ?? defaultRelayBytesPerSecond,
      canRelayFor: (address) =>
        reachability.isOpen() || (!reachability.isHidden() && isIP(address) !== 0 && !isOwnAddress(address)),
      isHidden: () => reachability.isHidden(),
    });
    const caller: BulkCaller = {
      host: this.self,
      credentials: tlsCredentials(options.identity),
      network: members.network,
      refused: (proof) => members.takeProof(proof),
      papers: () => ({ shown: members.shown(), name: members.name, epoch: members.epoch }),
      contactFor: (remote, local) => this.#contact.for(remote, local),
      bandwidthTo: (address, host) => this.#link({ address, host }),
      ...(options.dialFrom === undefined ? {} : { dialFrom: options.dialFrom }),
    };
    // A host may be reachable where it said last when it is at none of the known addresses.
    const addressesOf = ({ host, addresses }: Contact) => [
      ...(options.nearby?.(host) ?? []),
      ...addresses,
      ...(this.#contacts.get(host)?.addresses ?? []),
    ];
    const events: PoolEvents = {
      count: (name) => this.#counters.count(name),
      heard: (from) => this.#heard(from),
    };
    this.#caller = caller;
    const ports: ThroughPorts = {
      self: this.self,
      backs: this.#backs,
      relays: this.#relays,
      backPort: () => (reachability.isHidden() ? null : this.#contact.port),
      connect: (relay) => this.#pool.relay(relay),
      secure: (over, { protocol, address, signal }) =>
        openSocket(caller, { address, connectWithin: 0, signal, over }, protocol, null),
    };
    this.#pool = new ConnectionPool({
      caller,
      accept: (connection) => this.#accept(connection),
      events,
      addressesOf,
      through: (through, signal) => openThrough(ports, through, signal),
    });
  }

  /** Where others reach this peer; loopback last, if at all. Empty before `serve`. */
  get contact(): Contact {
    return this.#contact.everywhere;
  }

  /** `HOST:PORT` with the real port. */
  get listening(): string {
    return this.#listening;
  }

  /** See `OwnContact.prove`. */
  prove(address: string | null): void {
    this.#contact.prove(address);
  }

  get traffic(): TrafficCounts {
    return this.#traffic.read();
  }

  /** Bytes a second copied as a relay. */
  set relayBytesPerSecond(bytes: number) {
    this.#relays.bytesPerSecond = bytes;
  }

  /** As a relay. */
  get relayed(): RelayCounts {
    return this.#relays.counts;
  }

  get counters(): Counters {
    return this.#counters.read();
  }

  async serve(handlers: Handlers): Promise<void> {
    this.#handlers = handlers;
    const server = new PeerServer({
      credentials: this.#caller.credentials,
      backs: this.#backs,
      relays: this.#relays,
      gate: {
        members: this.#members,
        contactFor: (remote, local) => this.#contact.for(remote, local),
        treatAsRemote: this.#treatAsRemote,
      },
      handlers,
      counters: this.#counters,
      traffic: this.#traffic,
      gathered: new ByteRoom(smallBodyRoom),
      unread: new ByteRoom(smallBodyRoom),
      bandwidthTo: (address, host) => this.#link({ address, host, isCaller: true }),
      heard: (from) => this.#heard(from),
      heardEpoch: (from, epoch) => this.#options.heardEpoch?.(from, epoch),
      greeted: (from) => this.#said(from),
      report: this.#options.report ?? reportOnStandardError,
    });
    const bound = await server.listen(this.#listen);
    this.#server = server;
    this.#listening = formatAddress(bound);
    this.#contact.bind(bound);
  }

  #link(end: LinkEnd): LinkBandwidth {
    return this.#bandwidth.link({ ...end, isRemote: this.#treatAsRemote(withoutMapping(end.address)) });
  }

  /** Whether a relay has to carry what this host gets from that one. */
  needsTunnel(host: HostId): boolean {
    if (!this.#reachability.isHidden()) return false;
    const [at, contact] = [this.#pool.reachedAt(host), this.#contacts.get(host)];
    if (at !== null) return isRelay(at);
    return contact !== undefined && isHidden(contact) && !contact.addresses.some((address) => isInOwnSubnet(address));
  }

  /** Calls it when this host is reached at other addresses than before. */
  onMove(moved: () => void): void {
    this.#moved = moved;
  }

  /** From now on, while this host is hidden, it stays registered with some of these members. */
  reachThrough(candidates: () => readonly Contact[]): void {
    const { reachability } = this.#options;
    if (reachability === undefined) return;
    this.#hidden?.close();
    const hidden = new Hidden({
      clock: systemClock,
      random: systemRandom,
      isHidden: () => reachability.isHidden(),
      candidates: () => candidates().filter(({ host }) => host !== this.self),
      connect: (relay) => this.#pool.relay(relay),
      called: (call, link) =>
        answerCall(call, link, {
          caller: this.#caller,
          server: this.#server!,
          opened: (socket) => this.#traffic.watch(socket),
          signal: this.#ending.signal,
        }),
      changed: () => this.#contact.reachThrough(hidden.addresses),
    });
    this.#hidden = hidden;
    hidden.begin();
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

  /** What a host says of where it is, other than in HELLO. */
  learn(contact: Contact): void {
    this.#said(contact);
    this.#heard(contact);
  }

  /** Closes every connection with a removed host; `Members` prevents new ones. */
  expel(host: HostId): void {
    this.#pool.drop(host);
    this.#server?.expel(host);
    this.#contacts.delete(host);
  }

  /**
   * Ends the connections at addresses that are gone, which would be silent until each request on them has timed out; after
   * a sleep all that lead from here, since routers between have forgotten them.
   */
  networkChanged({ gone, slept }: NetworkChange): void {
    const lost = new Set(gone.map(({ address }) => address));
    const isLost = (localAddress: string) => lost.has(localAddress);
    this.#pool.dropFrom(slept > 0 ? () => true : isLost);
    this.#server?.dropAt(isLost);
    this.#contact.interfacesChanged();
    this.#hidden?.again();
  }

  async close(): Promise<void> {
    this.#closing.close();
    this.#ending.abort();
    this.#hidden?.close();
    this.#relays.close();
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
    if (!connection.isThrough) this.#traffic.watch(connection.socket);
    checkAnswer(connection, this.#members);
    this.#options.heardEpoch?.(connection.contact, connection.hello.epoch);
    this.#said(connection.contact);
    this.#contact.observe(connection.contact.host, connection.hello.observedAddress);
  }

  #said(contact: Contact): void {
    const before = this.#contacts.get(contact.host);
    if (contact.addresses.length === 0 || (before !== undefined && sameContact(before, contact))) return;
    this.#contacts.set(contact.host, contact);
    if (before === undefined) return;
    // What is new is told at once.
    this.#lastHeard.delete(contact.host);
    if (!shareAddress(before, contact)) this.#pool.checkElsewhere(contact);
  }

  #heard(said: Contact): void {
    const before = this.#contacts.get(said.host) ?? null;
    const from = before !== null && saysTheSame(before, said) ? before : said;
    if (from.addresses.length > 0 && before !== from) this.#contacts.set(from.host, from);
    const isElsewhere =
      before !== null && before !== from && (before.zone !== from.zone || !shareAddress(before, from));
    const hasMoved = from.addresses.length > 0 && isElsewhere;
    const now = performance.now();
    if (!hasMoved && now - (this.#lastHeard.get(from.host) ?? Number.NEGATIVE_INFINITY) < heardMilliseconds) return;
    this.#lastHeard.set(from.host, now);
    this.#handlers?.heard?.(from);
  }
}

/** Older connections may tell of relays that were replaced since: of those the last word counts. */
function saysTheSame(before: Contact, said: Contact): boolean {
  if (before === said) return true;
  if (before.zone !== said.zone) return false;
  const [own, other] = [directAddresses(before.addresses), directAddresses(said.addresses)];
  return own.length === other.length && own.every((address, position) => address === other[position]);
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
  outgoing: OutgoingStream,
  { deadline, signal, traffic }: RequestOptions,
): Promise<IncomingStream> {
  if (signal?.aborted) throw new TransportError('aborted', 'The caller gave up.');
  const exchange = pooled.connection.bulk.open(kind, encodeBody(outgoing.header), deadline, traffic);
  const abort = () => exchange.fail(new TransportError('aborted', 'The caller gave up.'));
  signal?.addEventListener('abort', abort);
  // The connection is in use until the exchange has ended on either side.
  void using(pooled, () => exchange.over);
  pooled.unansweredSince ??= performance.now();
  void exchange.over.then(() => {
    signal?.removeEventListener('abort', abort);
    if (exchange.failure?.failure === 'timeout') endIfSilent(pooled);
  });
  void exchange.send(outgoing);
  const answer = await exchange.answer();
  const stopped = () => exchange.fail(new TransportError('aborted', 'The reader stopped.'));
  try {
    return { header: decodeBody(answer), payload: exchange.payload(stopped) };
  } catch (error) {
    stopped();
    throw error;
  }
}
