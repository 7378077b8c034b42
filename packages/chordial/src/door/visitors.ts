/** Connections and requests of strangers: none of them takes the room of the others. */
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { ChordialError } from '../errors.ts';
import { isLoopback, withoutMapping } from '../network/addresses.ts';
import { networkOf } from '../network/incoming-room.ts';
import { maxConnections, maxConnectionsPerNetwork, maxRequests, maxRequestsPerNetwork } from './limits.ts';

/** The network that a request comes from: behind a proxy on this machine, that of the visitor, as the proxy says. */
export function visitorOf({ socket, headers }: IncomingMessage): string {
  const remote = socket.remoteAddress ?? '';
  const forwarded = headers['x-forwarded-for'];
  if (!isLoopback(withoutMapping(remote)) || forwarded === undefined) return networkOf(remote);
  const last = forwarded.toString().split(',').at(-1)?.trim() ?? '';
  return isIP(last) === 0 ? networkOf(remote) : networkOf(last);
}

export class Connections {
  /** Of each network, oldest first. */
  readonly #of = new Map<string, Set<Socket>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Closes it, or another, when there are too many. */
  enter(socket: Socket): void {
    const remote = socket.remoteAddress;
    if (remote === undefined) {
      socket.destroy();
      return;
    }
    const network = networkOf(remote);
    const own = this.#of.get(network) ?? new Set();
    // Of this machine all may be: a proxy brings everybody.
    if (own.size >= maxConnectionsPerNetwork && !isLoopback(withoutMapping(remote))) {
      socket.destroy();
      return;
    }
    this.#of.set(network, own.add(socket));
    this.#size += 1;
    socket.once('close', () => this.#leave(network, socket));
    if (this.#size > maxConnections) this.#closeOne();
  }

  closeAll(): void {
    for (const sockets of [...this.#of.values()]) for (const socket of sockets) socket.destroy();
  }

  #leave(network: string, socket: Socket): void {
    const own = this.#of.get(network);
    if (own?.delete(socket) !== true) return;
    this.#size -= 1;
    if (own.size === 0) this.#of.delete(network);
  }

  /** The oldest of the network with the most. */
  #closeOne(): void {
    let most: ReadonlySet<Socket> = new Set();
    for (const sockets of this.#of.values()) if (sockets.size > most.size) most = sockets;
    const [oldest] = most;
    oldest?.destroy();
  }
}

/** In progress. */
export class Requests {
  readonly #of = new Map<string, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns what to call at its end. Throws `too-many-requests`. */
  enter(network: string): () => void {
    const own = this.#of.get(network) ?? 0;
    if (this.#size >= maxRequests || own >= maxRequestsPerNetwork) {
      const whose = own >= maxRequestsPerNetwork ? ' from this address' : '';
      throw new ChordialError(
        'too-many-requests',
        `This door answers too many requests${whose} at once. Try again in some seconds.`,
      );
    }
    this.#of.set(network, own + 1);
    this.#size += 1;
    return () => {
      const left = (this.#of.get(network) ?? 1) - 1;
      if (left === 0) this.#of.delete(network);
      else this.#of.set(network, left);
      this.#size -= 1;
    };
  }
}
