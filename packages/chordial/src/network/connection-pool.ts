/**
 * Our connections to other hosts: opened on first use, one for control and one for bulk, kept while used. Concurrent
 * callers share the dialling, which continues when one of them gives up.
 */
import type { Contact, HostId } from '@chordial/ring';
import { type Address, parseAddress } from './addresses.ts';
import {
  connectMilliseconds,
  idleMilliseconds,
  maxOutgoingHosts,
  silentConnectionMilliseconds,
  sweepMilliseconds,
} from './connection-limits.ts';
import { ControlChannel } from './control-channel.ts';
import type { CounterName } from './counters.ts';
import { type Caller, type Connection, type ControlConnection, type DialledBulk, dial, dialBulk } from './dial.ts';
import { SessionTickets } from './session-tickets.ts';
import { TransportError } from './transport.ts';

export type Purpose = 'control' | 'bulk';

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
}

interface PooledFor {
  readonly control: PooledControl;
  readonly bulk: PooledBulk;
}

export interface PoolEvents {
  count(name: CounterName): void;
  /** Every answer, late ones too. */
  heard(from: Contact): void;
}

interface Slot<Pooled> {
  readonly dialling: Promise<Pooled>;
  pooled: Pooled | null;
}

export class ConnectionPool {
  readonly #caller: Caller;
  readonly #accept: (connection: Connection) => void;
  readonly #events: PoolEvents;
  readonly #said: (host: HostId) => Contact | null;
  readonly #slots: { readonly [P in Purpose]: Map<HostId, Slot<PooledFor[P]>> } = {
    control: new Map(),
    bulk: new Map(),
  };
  readonly #tickets = new SessionTickets();
  readonly #sweeper: NodeJS.Timeout;
  #closed = false;

  /**
   * `accept` throws when HELLO shows another network. `said` returns the last addresses that a host gave itself: it may
   * be reachable there when it is at none of the known ones.
   */
  constructor(
    caller: Caller,
    accept: (connection: Connection) => void,
    events: PoolEvents = { count: () => {}, heard: () => {} },
    said: (host: HostId) => Contact | null = () => null,
  ) {
    this.#caller = caller;
    this.#accept = accept;
    this.#events = events;
    this.#said = said;
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

  /** A request timed out. If nothing has arrived for long, the connection may be dead although its host is not. */
  doubt(to: Contact): void {
    const pooled = this.#slots.control.get(to.host)?.pooled ?? null;
    if (pooled === null || pooled.unansweredSince === null) return;
    if (performance.now() - pooled.unansweredSince < silentConnectionMilliseconds) return;
    pooled.connection.end();
  }

  /** Closes connections to a host, including those being dialled. */
  drop(host: HostId): void {
    this.#tickets.forget(host);
    for (const slots of [this.#slots.control, this.#slots.bulk]) {
      const slot = slots.get(host);
      slots.delete(host);
      slot?.dialling.then(({ connection }) => connection.end()).catch(() => undefined);
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    for (const slots of [this.#slots.control, this.#slots.bulk]) {
      for (const { pooled } of slots.values()) pooled?.connection.end();
      slots.clear();
    }
  }

  #get<Pooled extends PooledConnection>(
    slots: Map<HostId, Slot<Pooled>>,
    to: Contact,
    open: () => Promise<Pooled>,
  ): Promise<Pooled> {
    if (this.#closed) return Promise.reject(new TransportError('unreachable', 'This peer is shutting down.'));
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

  #targetOf(to: Contact, address: Address) {
    return { address, expected: to.host, connectWithin: connectMilliseconds, tickets: this.#tickets };
  }

  async #openControl(to: Contact): Promise<PooledControl> {
    const connection = await this.#dialFirst(to, (address) => dial(this.#caller, this.#targetOf(to, address)));
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
    const spoke = () => pooled !== null && this.#spoke(pooled);
    let pooled: PooledBulk | null = null;
    const connection = await this.#dialFirst(to, (address) =>
      dialBulk(this.#caller, this.#targetOf(to, address), spoke),
    );
    const { bulk } = connection;
    pooled = { connection, ...unused(), spoke, isClosed: () => bulk.isClosed, retire: () => bulk.retire() };
    return pooled;
  }

  #spoke(pooled: PooledConnection): void {
    pooled.unansweredSince = null;
    this.#events.heard(pooled.connection.contact);
  }

  /**
   * Tries the addresses in order, those that the host itself gave last. Reports the most informative failure: refused
   * before timeout before unreachable.
   */
  async #dialFirst<Dialled extends Connection>(
    to: Contact,
    dialAt: (address: Address) => Promise<Dialled>,
  ): Promise<Dialled> {
    let failure = new TransportError('unreachable', `${to.host} has no address.`);
    for (const address of new Set([...to.addresses, ...(this.#said(to.host)?.addresses ?? [])])) {
      try {
        const connection = await dialAt(parseAddress(address));
        try {
          this.#accept(connection);
          if (this.#closed) throw new TransportError('unreachable', 'This peer is shutting down.');
        } catch (error) {
          connection.end();
          throw error;
        }
        return connection;
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        if (weight(error) >= weight(failure)) failure = error;
      }
      if (this.#closed) break;
    }
    throw failure;
  }

  #sweep(): void {
    const now = performance.now();
    for (const purpose of ['control', 'bulk'] as const) {
      const slots: Map<HostId, Slot<PooledConnection>> = this.#slots[purpose];
      for (const [host, { pooled }] of slots) {
        if (pooled === null || pooled.inUse > 0 || now - pooled.lastUsed < idleMilliseconds[purpose]) continue;
        slots.delete(host);
        pooled.retire();
      }
    }
  }
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

function isUsable({ pooled }: Slot<PooledConnection>): boolean {
  return pooled === null || !pooled.isClosed();
}

function weight({ failure }: TransportError): number {
  return ['unreachable', 'timeout', 'refused'].indexOf(failure);
}
