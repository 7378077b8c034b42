/**
 * The sockets of one interface: IPv4 to 224.0.0.251, IPv6 to ff02::fb, port 5353. Bound to the group itself where the system can do that, so that
 * answers meant for another program of this machine (avahi, systemd-resolved) are not taken from it.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import type { LocalInterface } from '../network/interface-watch.ts';
import { maxMessageBytes } from './dns-message.ts';
import type { LinkSocket, Received } from './link.ts';

const port = 5353;
const groups = { udp4: '224.0.0.251', udp6: 'ff02::fb' } as const;
/** RFC 6762, 11: the highest, which no router can have let through. */
const hops = 255;

const maxWaiting = 8;

type Family = keyof typeof groups;

export function openMulticast(local: LocalInterface, receive: (received: Received) => void): LinkSocket {
  const families = (['udp4', 'udp6'] as const).filter((family) => ownAddress(local, family) !== null);
  const sockets = families.map((family) => new FamilySocket(local, family, receive));
  return {
    send: (bytes) => {
      for (const socket of sockets) socket.send(bytes);
    },
    close: () => {
      for (const socket of sockets) socket.close();
    },
    /** One family is enough. */
    get fault() {
      const faults = sockets.map(({ fault }) => fault);
      return faults.includes(null) ? null : (faults[0] ?? 'it has no address');
    },
  };
}

class FamilySocket {
  readonly #local: LocalInterface;
  readonly #family: Family;
  readonly #receive: (received: Received) => void;
  #socket: Socket;
  #isBound = false;
  #isClosed = false;
  #fault: string | null = null;
  #unsent: string | null = null;
  /** What is sent before the system has bound the socket. */
  #waiting: Uint8Array[] = [];

  constructor(local: LocalInterface, family: Family, receive: (received: Received) => void) {
    this.#local = local;
    this.#family = family;
    this.#receive = receive;
    const group = groups[family];
    this.#socket = this.#bind(family === 'udp6' ? `${group}%${local.name}` : group);
  }

  get fault(): string | null {
    return this.#fault ?? this.#unsent;
  }

  send(bytes: Uint8Array): void {
    if (this.#fault !== null || this.#isClosed) return;
    if (!this.#isBound) {
      if (this.#waiting.length < maxWaiting) this.#waiting.push(bytes);
      return;
    }
    const group = groups[this.#family];
    const to = this.#family === 'udp6' ? `${group}%${this.#local.name}` : group;
    this.#socket.send(bytes, port, to, (error) => {
      // The interface may have gone, or a firewall refuses; the next one may pass.
      this.#unsent = error?.message ?? null;
    });
  }

  /** What was sent before goes out first: farewells. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    // The one in use then: binding may fail meanwhile.
    setImmediate(() => this.#socket.close());
  }

  #bind(address: string | undefined): Socket {
    const socket = createSocket({ type: this.#family, reuseAddr: true, ipv6Only: this.#family === 'udp6' });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (!this.#isBound && address !== undefined && error.code === 'EADDRNOTAVAIL') {
        // Not every system binds to a group.
        socket.close();
        this.#socket = this.#bind(undefined);
        return;
      }
      this.#fault = error.message;
    });
    socket.on('message', (bytes, { address: source }) => {
      if (bytes.length <= maxMessageBytes) this.#receive({ bytes, source });
    });
    socket.bind({ port, ...(address === undefined ? {} : { address }) }, () => this.#bound());
    return socket.unref();
  }

  #bound(): void {
    const socket = this.#socket;
    const own = this.#family === 'udp6' ? `::%${this.#local.name}` : ownAddress(this.#local, this.#family)!;
    try {
      socket.setMulticastTTL(hops);
      socket.setMulticastLoopback(true);
      socket.setMulticastInterface(own);
      socket.addMembership(groups[this.#family], own);
    } catch (error) {
      this.#fault = (error as Error).message;
      return;
    }
    this.#isBound = true;
    for (const bytes of this.#waiting.splice(0)) this.send(bytes);
  }
}

function ownAddress({ addresses }: LocalInterface, family: Family): string | null {
  return addresses.find(({ address }) => isIPv4(address) === (family === 'udp4'))?.address ?? null;
}
