/**
 * Our connections to other hosts: opened on first use, one for control and one for bulk, kept while used. Concurrent
 * callers share the dialling, which continues when one of them gives up.
 */
import type { TLSSocket } from 'node:tls';
import type { Contact, HostId } from '@chordial/ring';
import { type Attempt, staggered } from '../flow/staggered.ts';
import {
  type Address,
  directAddresses,
  formatAddress,
  isInOwnSubnet,
  isLoopbackAddress,
  isRelay,
  parseAddress,
  relayAddress,
  withoutMapping,
} from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';
import {
  connectMilliseconds,
  elsewhereMilliseconds,
  idleMilliseconds,
  maxOutgoingHosts,
  nextAddressMilliseconds,
  silentConnectionMilliseconds,
  silentThroughMilliseconds,
  sweepMilliseconds,
} from './connection-limits.ts';
import { ControlChannel } from './control-channel.ts';
import type { CounterName } from './counters.ts';
import {
  type BulkCaller,
  type Connection,
  type ControlConnection,
  type DialledBulk,
  dial,
  dialBulk,
  type Target,
} from './dial.ts';
import { type BackAsk, relayProtocol } from './relay-messages.ts';
import { SessionTickets } from './session-tickets.ts';
import { systemClock } from './system-clock.ts';
import { TransportError } from './transport.ts';

export type Purpose = 'control' | 'bulk' | 'relay';

export interface PooledConnection {
  readonly connection: Connection;
  /** Exchanges in progress; an idle connection has none. */
  inUse: number;
  /** Milliseconds of performance.now(), like those below. */
  lastUsed: number;
  /** Time of the first request without any response since; null when there was one. */
  unansweredSince: number | null;
  /** Any response, in time or late. */
  readonly spoke: () => void;
  isClosed(): boolean;
  /** Accepts nothing more, and closes when everything in progress has ended. */
  retire(): void;
}

export interface PooledControl extends PooledConnection {
  readonly connection: ControlConnection;
  /** Opens its stream with the first request. */
  readonly channel: ControlChannel;
}

export interface PooledBulk extends PooledConnection {
  readonly connection: DialledBulk;
  /** When bytes came last. */
  heardAt: number;
}

/** To a member that relays. */
export interface PooledRelay extends PooledConnection {
  readonly connection: ControlConnection;
}

interface PooledFor {
  readonly control: PooledControl;
  readonly bulk: PooledBulk;
  readonly relay: PooledRelay;
}

export interface PoolEvents {
  count(name: CounterName): void;
  /** Every answer, late ones too. */
  heard(from: Contact): void;
}

/** A way to a hidden host. */
export interface Through {
  readonly relay: HostId;
  readonly at: Address;
  readonly to: HostId;
  readonly purpose: BackAsk['purpose'];
}

export interface PoolOptions {
  readonly caller: BulkCaller;
  /** Throws when HELLO shows another network. */
  accept(connection: Connection): void;
  readonly events?: PoolEvents;
  /** Where a host may be reached, best first; asked again after each failure. */
  addressesOf?(to: Contact): readonly string[];
  /** A socket to a hidden host. Without it relays are not used. */
  through?(through: Through, signal: AbortSignal): Promise<TLSSocket>;
}

interface Slot<Pooled> {
  readonly dialling: Promise<Pooled>;
  pooled: Pooled | null;
}

type DialTarget = Target & { readonly expected: HostId };

interface AddressFor {
  readonly address: string;
  readonly purpose: Purpose;
}

interface Dialling<Dialled> extends AddressFor {
  readonly signal: AbortSignal;
  dialAt(target: DialTarget): Promise<Dialled>;
}

const maxReachedAt = 4096;

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #caller: BulkCaller;
  readonly #events: PoolEvents;
  readonly #slots: { readonly [P in Purpose]: Map<HostId, Slot<PooledFor[P]>> } = {
    control: new Map(),
    bulk: new Map(),
    relay: new Map(),
  };
  /** The address at which a host was reached last. */
  readonly #reachedAt = new BoundedCache<HostId, string>(maxReachedAt);
  readonly #tickets = new SessionTickets();
  /** Whether they still lead to their host. */
  readonly #checked = new WeakSet<PooledConnection>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #closing = new AbortController();

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#caller = options.caller;
    this.#events = options.events ?? { count: () => {}, heard: () => {} };
    this.#sweeper = setInterval(() => this.#sweep(), sweepMilliseconds).unref();
  }

  /** The connection that can be used at once, if any. */
  standing(to: Contact): PooledControl | null {
    const known = this.#slots.control.get(to.host);
    return known !== undefined && isUsable(known) ? known.pooled : null;
  }

  /** The standing connection for small questions, or a new one. Rejects with a TransportError. */
  control(to: Contact): Promise<PooledControl> {
    return this.#get(this.#slots.control, to, () => this.#openControl(to));
  }

  /** The same for streams. */
  bulk(to: Contact): Promise<PooledBulk> {
    return this.#get(this.#slots.bulk, to, () => this.#openBulk(to));
  }

  /** Where that host relays; dialled directly. */
  relay(to: Contact): Promise<PooledRelay> {
    const direct = { host: to.host, addresses: directAddresses(to.addresses) };
    return this.#get(this.#slots.relay, direct, () => this.#openRelay(direct));
  }

  /** The address at which that host was reached last, by a connection of any sort. */
  reachedAt(host: HostId): string | null {
    return this.#reachedAt.get(host) ?? null;
  }

  /** A request timed out. If nothing has arrived for long, the connection may be dead although its host is not. */
  doubt(to: Contact): void {
    const pooled = this.#slots.control.get(to.host)?.pooled ?? null;
    if (pooled === null || pooled.unansweredSince === null) return;
    if (performance.now() - pooled.unansweredSince >= silentConnectionMilliseconds) pooled.connection.end();
  }

  /** Closes connections to a host, including those being dialled. */
  drop(host: HostId): void {
    this.#tickets.forget(host);
    for (const slots of Object.values(this.#slots)) {
      const slot = slots.get(host);
      slots.delete(host);
      slot?.dialling.then(({ connection }) => connection.end()).catch(() => undefined);
    }
  }

  /**
   * The host speaks from there: connections that lead elsewhere end unless it answers on them at once, since each request
   * would first time out. Where two processes have its key the other one does answer.
   */
  checkElsewhere({ host, addresses }: Contact): void {
    const leadsElsewhere = (pooled: PooledConnection | null | undefined): pooled is PooledConnection => {
      if (pooled == null) return false;
      const { remoteAddress = '', remotePort = 0 } = pooled.connection.socket;
      return !addresses.includes(formatAddress({ host: withoutMapping(remoteAddress), port: remotePort }));
    };
    const control = this.#slots.control.get(host)?.pooled;
    if (!leadsElsewhere(control) || control.isClosed() || this.#checked.has(control)) return;
    this.#checked.add(control);
    const silent = setTimeout(() => {
      control.connection.end();
      const bulk = this.#slots.bulk.get(host)?.pooled;
      if (leadsElsewhere(bulk)) bulk.connection.end();
    }, elsewhereMilliseconds).unref();
    control.connection.session.ping(() => {
      clearTimeout(silent);
      this.#checked.delete(control);
    });
  }

  /** Ends those that begin at one of these addresses of this machine, with everything in progress. */
  dropFrom(isGone: (localAddress: string) => boolean): void {
    for (const slots of Object.values(this.#slots)) {
      for (const { pooled } of slots.values())
        if (pooled !== null && isGone(withoutMapping(pooled.connection.socket.localAddress ?? '')))
          pooled.connection.end();
    }
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#sweeper);
    this.dropFrom(() => true);
    for (const slots of Object.values(this.#slots)) slots.clear();
  }

  #get<Pooled extends PooledConnection>(
    slots: Map<HostId, Slot<Pooled>>,
    to: Contact,
    open: () => Promise<Pooled>,
  ): Promise<Pooled> {
    if (this.#closing.signal.aborted) return Promise.reject(shuttingDown());
    const known = slots.get(to.host);
    if (known !== undefined && isUsable(known)) return known.dialling;
    const slot: Slot<Pooled> = { dialling: open(), pooled: null };
    slots.set(to.host, slot);
    const forget = () => {
      if (slots.get(to.host) === slot) slots.delete(to.host);
    };
    slot.dialling.then((pooled) => {
      slot.pooled = pooled;
      pooled.connection.socket.once('close', forget);
    }, forget);
    evict(slots);
    return slot.dialling;
  }

  async #openControl(to: Contact): Promise<PooledControl> {
    const connection = await this.#dialFirst(to, 'control', (target) => dial(this.#caller, target));
    const { session } = connection;
    const spoke = () => this.#spoke(pooled);
    const channel = new ControlChannel(session, this.#events.count, spoke);
    const pooled: PooledControl = {
      connection,
      channel,
      ...unused(),
      spoke,
      isClosed: () => session.closed || session.destroyed,
      retire: () => channel.retire(),
    };
    // The system reports a dead connection late; GOAWAY closes it to new requests at once.
    session.on('goaway', () => channel.retire());
    return pooled;
  }

  async #openBulk(to: Contact): Promise<PooledBulk> {
    const spoke = () => {
      if (pooled === null) return;
      pooled.heardAt = performance.now();
      this.#spoke(pooled);
    };
    let pooled: PooledBulk | null = null;
    const connection = await this.#dialFirst(to, 'bulk', (target) => dialBulk(this.#caller, target, spoke));
    const { bulk } = connection;
    const isClosed = () => bulk.isClosed;
    pooled = { connection, ...unused(), spoke, isClosed, retire: () => bulk.retire(), heardAt: performance.now() };
    return pooled;
  }

  async #openRelay(to: Contact): Promise<PooledRelay> {
    const connection = await this.#dialFirst(to, 'relay', (target) => dial(this.#caller, target, relayProtocol));
    const { session } = connection;
    return {
      connection,
      ...unused(),
      spoke: () => undefined,
      isClosed: () => session.closed || session.destroyed,
      retire: () => session.close(),
    };
  }

  #spoke(pooled: PooledConnection): void {
    pooled.unansweredSince = null;
    this.#events.heard(pooled.connection.contact);
  }

  /**
   * Tries the addresses in order, those that the host itself gave last. Of a host that may be hidden the next is tried
   * before the one before it has failed: its own addresses are often those of another network, where no one answers.
   * Reports the most informative failure: refused before timeout before unreachable.
   */
  async #dialFirst<Dialled extends Connection>(
    to: Contact,
    purpose: Purpose,
    dialAt: (target: DialTarget) => Promise<Dialled>,
  ): Promise<Dialled> {
    let failure = new TransportError('unreachable', `${to.host} has no address.`);
    const tried = new Set<string>();
    const next = (): Attempt<Dialled> | undefined => {
      const address = this.#inOrder(to, purpose).find((one) => !tried.has(one));
      if (address === undefined) return undefined;
      tried.add(address);
      return async (signal) => {
        try {
          return await this.#dialAt(to, { address, purpose, signal, dialAt });
        } catch (error) {
          if (error instanceof TransportError && !signal.aborted && weight(error) >= weight(failure)) failure = error;
          throw error;
        }
      };
    };
    const delay = this.#inOrder(to, purpose).some(isRelay) ? nextAddressMilliseconds : null;
    const ending = this.#closing.signal;
    try {
      return await staggered(next, { clock: systemClock, delay, discard: (late) => late.end(), signal: ending });
    } catch (error) {
      if (ending.aborted) throw shuttingDown();
      throw error instanceof TransportError || tried.size === 0 ? failure : error;
    }
  }

  async #dialAt<Dialled extends Connection>(
    to: Contact,
    { address, purpose, signal, dialAt }: Dialling<Dialled>,
  ): Promise<Dialled> {
    const connection = await dialAt(this.#targetOf(to, { address, purpose }, signal));
    try {
      this.#options.accept(connection);
      if (this.#closing.signal.aborted) throw shuttingDown();
    } catch (error) {
      connection.end();
      throw error;
    }
    this.#reachedAt.set(to.host, address);
    return connection;
  }

  /** Of a host that may be hidden: its own addresses where it was reached last or may be near, the relay of last time, the rest. */
  #inOrder(to: Contact, purpose: Purpose): readonly string[] {
    const all = this.#options.addressesOf?.(to) ?? to.addresses;
    const direct = directAddresses(all);
    if (direct.length === all.length) return all;
    if (purpose === 'relay' || this.#options.through === undefined) return direct;
    const last = this.#reachedAt.get(to.host);
    const rank = (address: string): number => {
      if (isRelay(address)) return address === last ? 2 : 4;
      if (address === last) return 0;
      return isLoopbackAddress(address) || isInOwnSubnet(address) ? 1 : 3;
    };
    return [...all].sort((a, b) => rank(a) - rank(b));
  }

  #targetOf(to: Contact, { address, purpose }: AddressFor, signal: AbortSignal): DialTarget {
    const { through } = this.#options;
    const via = relayAddress(address);
    const at = parseAddress(via?.at ?? address);
    const target = { address: at, expected: to.host, connectWithin: connectMilliseconds, signal };
    if (via === null || purpose === 'relay' || through === undefined) return { ...target, tickets: this.#tickets };
    const way = { relay: via.relay, at, to: to.host, purpose };
    return { ...target, tickets: null, open: () => through(way, signal) };
  }

  #sweep(): void {
    const now = performance.now();
    for (const purpose of ['control', 'bulk', 'relay'] as const) {
      const slots: Map<HostId, Slot<PooledConnection>> = this.#slots[purpose];
      for (const [host, { pooled }] of slots) {
        if (pooled === null || pooled.inUse > 0 || now - pooled.lastUsed < idleMilliseconds[purpose]) continue;
        slots.delete(host);
        pooled.retire();
      }
    }
  }
}

/** A request timed out: as with `doubt`. */
export function endIfSilent({ connection, heardAt, unansweredSince }: PooledBulk): void {
  const since = Math.max(unansweredSince ?? heardAt, heardAt, connection.bulk.lastData);
  const most = connection.isThrough ? silentThroughMilliseconds : silentConnectionMilliseconds;
  if (performance.now() - since >= most) connection.end();
}

/** Marks a connection as used during an exchange. */
export async function using<Result>(pooled: PooledConnection, exchange: () => Promise<Result>): Promise<Result> {
  pooled.inUse += 1;
  try {
    return await exchange();
  } finally {
    pooled.inUse -= 1;
    pooled.lastUsed = performance.now();
  }
}

/** The least recently used idle one. */
function evict(slots: Map<HostId, Slot<PooledConnection>>): void {
  if (slots.size <= maxOutgoingHosts) return;
  let oldest: PooledConnection | null = null;
  for (const { pooled } of slots.values()) {
    if (pooled === null || pooled.inUse > 0) continue;
    if (oldest === null || pooled.lastUsed < oldest.lastUsed) oldest = pooled;
  }
  if (oldest === null) return;
  slots.delete(oldest.connection.contact.host);
  oldest.retire();
}

function unused(): Pick<PooledConnection, 'inUse' | 'lastUsed' | 'unansweredSince'> {
  return { inUse: 0, lastUsed: performance.now(), unansweredSince: null };
}

function shuttingDown(): TransportError {
  return new TransportError('unreachable', 'This peer is shutting down.');
}

function isUsable({ pooled }: Slot<PooledConnection>): boolean {
  return pooled === null || !pooled.isClosed();
}

function weight({ failure }: TransportError): number {
  return ['unreachable', 'timeout', 'refused'].indexOf(failure);
}
