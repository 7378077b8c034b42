/**
 * TLS session tickets of known hosts, in memory only, for shorter handshakes. On a resumed session the client sees no
 * certificate: it has the identity for which its ticket was issued. So a ticket is stored under the host that a full
 * handshake proved, and presented only where that very host is expected. Any other host cannot decrypt it, and must
 * present its certificate.
 */
import type { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { BoundedCache } from './bounded-cache.ts';

/** Of about 900 bytes each. */
const maxTickets = 512;

export class SessionTickets {
  readonly #tickets = new BoundedCache<HostId, Buffer>(maxTickets);

  /** The latest from the host. */
  of(host: HostId): Buffer | null {
    return this.#tickets.get(host) ?? null;
  }

  /** Stores tickets that arrive on this socket, whose other end is proved to be the host. */
  collect(socket: TLSSocket, host: HostId): void {
    socket.on('session', (ticket: Buffer) => this.#tickets.set(host, ticket));
  }

  /** Removes a useless one. */
  forget(host: HostId): void {
    this.#tickets.delete(host);
  }
}
