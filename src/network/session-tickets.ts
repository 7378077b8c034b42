/**
 * TLS tickets of hosts that we met, in memory only, for shorter handshakes later. On a resumed session the client is shown
 * no certificate: it has the identity under which its ticket was issued. So a ticket is kept under the host that a
 * whole handshake proved, and shown only where that very host is expected. Anyone else who answers cannot open it, and has
 * to show its certificate.
 */
import type { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { BoundedCache } from './bounded-cache.ts';

/** Of about 900 bytes each. */
const maxTickets = 512;

export class SessionTickets {
  readonly #tickets = new BoundedCache<HostId, Buffer>(maxTickets);

  /** The last that the host gave us. */
  of(host: HostId): Buffer | null {
    return this.#tickets.get(host) ?? null;
  }

  /** Keeps what comes over this socket, at whose other end the host is proven to be. */
  collect(socket: TLSSocket, host: HostId): void {
    socket.on('session', (ticket: Buffer) => this.#tickets.set(host, ticket));
  }

  /** For one that was of no use. */
  forget(host: HostId): void {
    this.#tickets.delete(host);
  }
}
