/** Peers with chosen ids started here in a teaching ring: added, removed or killed one by one. */
import { ChordialError } from '../errors.ts';
import { consistentMilliseconds, type DemoNetwork } from './demo-network.ts';
import type { DemoPeer, PeerLine } from './demo-peer.ts';
import { numberOf } from './teaching-ring.ts';

export interface TeachingPeerOptions {
  readonly id: number;
  /** HOST:PORT of any peer of the ring; null founds it or uses the first of those started here. */
  readonly join: string | null;
  readonly pingMilliseconds: number;
  readonly flags?: readonly string[];
}

export interface TeachingWatcher {
  readonly signal: AbortSignal;
  /** Receives events of each peer. */
  tell(id: number, line: PeerLine): void;
}

export const defaultPingMilliseconds = 500;
const leaveMilliseconds = 60_000;
/** A failure is detected after 3 silent intervals; repair takes about as many. */
const intervalsToSettle = 6;

export class TeachingPeers {
  readonly network: DemoNetwork;
  readonly #watcher: TeachingWatcher | null;
  #slowestPingMilliseconds = defaultPingMilliseconds;

  /** With a watcher the whole ring is started here, and each change is awaited until every pointer is right. */
  constructor(network: DemoNetwork, watcher: TeachingWatcher | null = null) {
    this.network = network;
    this.#watcher = watcher;
  }

  get ids(): readonly number[] {
    return this.network.alive.map(({ ready }) => numberOf(ready)).sort((one, other) => one - other);
  }

  async add({ id, join, pingMilliseconds, flags = [] }: TeachingPeerOptions): Promise<DemoPeer> {
    this.#slowestPingMilliseconds = Math.max(this.#slowestPingMilliseconds, pingMilliseconds);
    const own = ['--id', String(id), '--ping', String(pingMilliseconds), ...(join === null ? [] : ['--join', join])];
    return this.network.add([...own, ...flags], (line) => this.#watcher?.tell(id, line));
  }

  /** Throws `not-found` for one that was not started here or has left. */
  of(id: number): DemoPeer {
    const found = this.network.alive.find(({ ready }) => numberOf(ready) === id);
    if (found !== undefined) return found;
    const there = this.ids.length === 0 ? 'None was started here' : `Started here and alive: ${this.ids.join(', ')}`;
    throw new ChordialError('not-found', `No peer ${id} was started here, or it has gone. ${there}.`);
  }

  async leave(id: number): Promise<void> {
    await this.of(id).leave(leaveMilliseconds);
  }

  /** Like a power failure. Returns the pid that ended. */
  async kill(id: number): Promise<number> {
    const peer = this.of(id);
    await peer.kill();
    return peer.pid;
  }

  /** The ids of the ring once every pointer is right; null when its other peers cannot be asked from here. */
  async untilSettled(): Promise<readonly number[] | null> {
    if (this.#watcher === null) return null;
    const patience = consistentMilliseconds + intervalsToSettle * this.#slowestPingMilliseconds;
    await this.network.untilConsistent(this.#watcher.signal, patience);
    return this.ids;
  }
}
