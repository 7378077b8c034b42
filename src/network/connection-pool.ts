/**
 * Our connections to other hosts: made at first use, one for control and one for bulk, kept while used. Callers that
 * want the same one at once share its dialling, which goes on when one of them gives up.
 */
import type { Contact, HostId } from '../ring/pointer.ts';
import { parseAddress } from './addresses.ts';
import { ControlChannel } from './control-channel.ts';
import type { CounterName } from './counters.ts';
import { type Caller, type Connection, dial } from './dial.ts';
import {
  connectMilliseconds,
  idleMilliseconds,
  maximumOutgoingHosts,
  silentConnectionMilliseconds,
  sweepMilliseconds,
} from './http2-limits.ts';
import { SessionTickets } from './session-tickets.ts';
import { TransportError } from './transport.ts';

export type Purpose = 'control' | 'bulk';

export interface PooledConnection {
  readonly connection: Connection;
  readonly purpose: Purpose;
  /** Opens its stream with the first question. */
  readonly channel: ControlChannel;
  /** Exchanges under way; an idle connection has none. */
  inUse: number;
  /** Milliseconds of performance.now(), as below. */
  lastUsed: number;
  /** When the first question was asked that nothing has come after; null when something has. */
  unansweredSince: number | null;
  /** Something came, in time or late. */
  readonly spoke: () => void;
}

export interface PoolEvents {
  count(name: CounterName): void;
  /** Every answer, late ones too. */
  heard(from: Contact): void;
}

interface Slot {
  readonly dialling: Promise<PooledConnection>;
  pooled: PooledConnection | null;
}

export class ConnectionPool {
  readonly #caller: Caller;
  readonly #accept: (connection: Connection) => void;
  readonly #events: PoolEvents;
  readonly #said: (host: HostId) => Contact | null;
  readonly #slots: Readonly<Record<Purpose, Map<HostId, Slot>>> = { control: new Map(), bulk: new Map() };
  readonly #tickets = new SessionTickets();
  readonly #sweeper: NodeJS.Timeout;
  #closed = false;

  /**
   * `accept` throws when the network that HELLO showed is not ours. `said` tells what a host last said of itself: where
   * it may be when it is at none of the addresses that others know.
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

  /** The connection that can be used at once, if there is one. */
  standing(to: Contact, purpose: Purpose): PooledConnection | null {
    const known = this.#slots[purpose].get(to.host);
    return known !== undefined && isUsable(known) ? known.pooled : null;
  }

  /** The standing connection, or a new one. Rejects with a TransportError. */
  get(to: Contact, purpose: Purpose): Promise<PooledConnection> {
    if (this.#closed) return Promise.reject(new TransportError('unreachable', 'This peer is shutting down.'));
    const slots = this.#slots[purpose];
    const known = slots.get(to.host);
    if (known !== undefined && isUsable(known)) return known.dialling;
    const slot: Slot = { dialling: this.#open(to, purpose), pooled: null };
    slots.set(to.host, slot);
    const forget = () => {
      if (slots.get(to.host) === slot) slots.delete(to.host);
    };
    slot.dialling.then((pooled) => {
      slot.pooled = pooled;
      pooled.connection.session.once('close', forget);
    }, forget);
    this.#evict(slots);
    return slot.dialling;
  }

  /** A question timed out. If nothing at all has come for long, the connection may be dead and its host not. */
  doubt(to: Contact): void {
    const pooled = this.#slots.control.get(to.host)?.pooled ?? null;
    if (pooled === null || pooled.unansweredSince === null) return;
    if (performance.now() - pooled.unansweredSince < silentConnectionMilliseconds) return;
    pooled.connection.session.destroy();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    for (const slots of [this.#slots.control, this.#slots.bulk]) {
      for (const { pooled } of slots.values()) pooled?.connection.session.destroy();
      slots.clear();
    }
  }

  async #open(to: Contact, purpose: Purpose): Promise<PooledConnection> {
    const connection = await this.#dialFirst(to);
    if (this.#closed) {
      connection.session.destroy();
      throw new TransportError('unreachable', 'This peer is shutting down.');
    }
    const now = performance.now();
    const spoke = () => {
      pooled.unansweredSince = null;
      this.#events.heard(connection.contact);
    };
    const channel = new ControlChannel(connection.session, this.#events.count, spoke);
    const pooled = { connection, purpose, channel, inUse: 0, lastUsed: now, unansweredSince: null, spoke };
    // The system reports a dead connection late; GOAWAY closes it for new use at once.
    connection.session.on('goaway', () => channel.retire());
    return pooled;
  }

  /** Tries the addresses in order, those that the host itself named last. Tells the reason that says most: refused before silent before unreachable. */
  async #dialFirst(to: Contact): Promise<Connection> {
    let failure = new TransportError('unreachable', `${to.host} has no address.`);
    for (const address of new Set([...to.addresses, ...(this.#said(to.host)?.addresses ?? [])])) {
      try {
        const connection = await dial(this.#caller, parseAddress(address), to.host, connectMilliseconds, this.#tickets);
        try {
          this.#accept(connection);
        } catch (error) {
          connection.session.destroy();
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

  /** The one used longest ago, of those that nobody uses. */
  #evict(slots: Map<HostId, Slot>): void {
    if (slots.size <= maximumOutgoingHosts) return;
    let oldest: PooledConnection | null = null;
    for (const { pooled } of slots.values()) {
      if (pooled === null || pooled.inUse > 0) continue;
      if (oldest === null || pooled.lastUsed < oldest.lastUsed) oldest = pooled;
    }
    if (oldest === null) return;
    slots.delete(oldest.connection.contact.host);
    oldest.channel.retire();
  }

  #sweep(): void {
    const now = performance.now();
    for (const slots of [this.#slots.control, this.#slots.bulk]) {
      for (const [host, { pooled }] of slots) {
        if (pooled === null || pooled.inUse > 0 || now - pooled.lastUsed < idleMilliseconds[pooled.purpose]) continue;
        slots.delete(host);
        pooled.channel.retire();
      }
    }
  }
}

/** Whoever holds a connection across an exchange marks it so. */
export async function using<Result>(pooled: PooledConnection, exchange: () => Promise<Result>): Promise<Result> {
  pooled.inUse += 1;
  try {
    return await exchange();
  } finally {
    pooled.inUse -= 1;
    pooled.lastUsed = performance.now();
  }
}

function isUsable({ pooled }: Slot): boolean {
  return pooled === null || !(pooled.connection.session.closed || pooled.connection.session.destroyed);
}

function weight({ failure }: TransportError): number {
  return ['unreachable', 'timeout', 'refused'].indexOf(failure);
}
