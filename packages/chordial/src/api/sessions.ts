/**
 * Browser sessions: a link with a one-time token, valid for minutes, is exchanged for a cookie. The cookie is derived
 * from the API token and bound to the host name that the browser used, so no state is kept.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { formatAddress, withoutMapping } from '../network/addresses.ts';

/** Links issued and not yet used; the oldest is evicted. */
const maxOneTimeTokens = 64;
export const oneTimeMilliseconds = 10 * 60 * 1000;
const sessionMilliseconds = 30 * 24 * 3600 * 1000;
const oneTimeBytes = 24;

export interface SessionOptions {
  /** Of the API. */
  readonly token: string;
  /** Cookies ignore ports, so the cookie's name contains it. */
  readonly port: () => number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export class Sessions {
  readonly #options: SessionOptions;
  readonly #key: Buffer;
  /** The hash of each token, and its expiry. */
  readonly #oneTime = new Map<string, number>();
  readonly #now: () => number;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#key = createHmac('sha256', options.token).update('chordial page session 1').digest();
  }

  /** A token for a link. */
  issue(): { readonly token: string; readonly expires: number } {
    const token = randomBytes(oneTimeBytes).toString('base64url');
    const expires = this.#now() + oneTimeMilliseconds;
    this.#oneTime.set(hash(token), expires);
    const [oldest] = this.#oneTime.keys();
    if (this.#oneTime.size > maxOneTimeTokens && oldest !== undefined) this.#oneTime.delete(oldest);
    return { token, expires };
  }

  /** Whether the token is that of an unused, unexpired link, or the API token. Consumes it. */
  redeem(token: string): boolean {
    const expires = this.#oneTime.get(hash(token));
    this.#oneTime.delete(hash(token));
    return expires === undefined ? isSame(token, this.#options.token) : expires > this.#now();
  }

  /** The Set-Cookie value that signs in this browser. */
  cookie(request: IncomingMessage, isSecure: boolean): string {
    const expires = this.#now() + sessionMilliseconds;
    const value = `${expires}.${this.#proof(expires, request)}`;
    return this.#written(value, sessionMilliseconds / 1000, isSecure);
  }

  /** The Set-Cookie value that signs it out. */
  ended(isSecure: boolean): string {
    return this.#written('', 0, isSecure);
  }

  /** Whether the request carries a valid cookie issued for its host. */
  isIn(request: IncomingMessage): boolean {
    const names = [this.#name(false), this.#name(true)];
    for (const pair of (request.headers.cookie ?? '').split(';')) {
      const [name = '', value = ''] = pair.trim().split('=', 2);
      if (!names.includes(name)) continue;
      const [expires = '', proof = ''] = value.split('.', 2);
      if (Number(expires) > this.#now() && isSame(proof, this.#proof(Number(expires), request))) return true;
    }
    return false;
  }

  #proof(expires: number, request: IncomingMessage): string {
    const host = (request.headers.host ?? '').toLowerCase();
    return createHmac('sha256', this.#key).update(`${expires}\n${host}`).digest('base64url');
  }

  #written(value: string, seconds: number, isSecure: boolean): string {
    const secure = isSecure ? '; Secure' : '';
    return `${this.#name(isSecure)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
  }

  /** Browsers accept a name beginning with `__Host-` only over TLS and for this host alone. */
  #name(isSecure: boolean): string {
    return `${isSecure ? '__Host-' : ''}chordial-${this.#options.port()}`;
  }
}

const proofKeyBytes = 32;

/** A fresh key for each start of a peer, passed to commands of the same user in its notes. */
export function createProofKey(): string {
  return randomBytes(proofKeyBytes).toString('hex');
}

/**
 * A proof by the key's holder bound to this connection: a program that took the peer's port cannot relay the challenge
 * to the peer elsewhere, since the proof covers the address of the connection.
 */
export function proofOf(key: string, nonce: string, address: string): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(`chordial api 1\n${address}\n${nonce}`).digest('hex');
}

/** HOST:PORT of the server's end of a connection. */
export function serverAddress({
  localAddress = '',
  localPort = 0,
}: Pick<Socket, 'localAddress' | 'localPort'>): string {
  return formatAddress({ host: withoutMapping(localAddress), port: localPort });
}

/** Constant time for any lengths. */
export function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function hash(token: string): string {
  return digest(token).toString('base64url');
}
