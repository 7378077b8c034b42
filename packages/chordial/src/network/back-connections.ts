/**
 * Reverse connections awaited by this host: the other one dials it, and this one asks on them. Each is expected from one
 * host under a token that counts once.
 */
import type { TLSSocket } from 'node:tls';
import type { HostId } from '@chordial/ring';
import { hostOfSocket } from './certificate.ts';
import { newToken, tokenOfProtocol, tokenText } from './relay-messages.ts';
import { TransportError } from './transport.ts';

interface Expected {
  readonly host: HostId;
  readonly arrived: (socket: TLSSocket) => void;
}

export class BackConnections {
  /** By token; one for each connection that is being dialled. */
  readonly #expected = new Map<string, Expected>();

  /** The host proves its identity; the socket is closed when it comes after the signal. */
  expect(host: HostId, signal: AbortSignal): { readonly token: Uint8Array; readonly socket: Promise<TLSSocket> } {
    const token = newToken();
    const text = tokenText(token);
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const forget = (): void => {
      this.#expected.delete(text);
      reject(new TransportError('timeout', `${host} did not dial back.`));
    };
    this.#expected.set(text, {
      host,
      arrived: (socket) => {
        this.#expected.delete(text);
        signal.removeEventListener('abort', forget);
        resolve(socket);
      },
    });
    if (signal.aborted) forget();
    else signal.addEventListener('abort', forget, { once: true });
    promise.catch(() => undefined);
    return { token, socket: promise };
  }

  /** Of the protocols that the other side offers, that of an expected connection. */
  choose(protocols: readonly string[]): string | undefined {
    return protocols.find((protocol) => this.#expected.has(tokenOfProtocol(protocol) ?? ''));
  }

  /** False: no one expects it, or not from this host; the caller closes it. */
  take(socket: TLSSocket): boolean {
    const token = tokenOfProtocol(socket.alpnProtocol || '');
    const expected = token === null ? undefined : this.#expected.get(token);
    // A token in other hands is of no use to them, and stays valid for the host meant.
    if (expected === undefined || hostOfSocket(socket) !== expected.host) return false;
    expected.arrived(socket);
    return true;
  }
}
