/**
 * How a browser comes to speak to the API: a link with a token that is good once and for minutes, traded for a cookie. The cookie
 * is made of the API's token and bound to the host that the browser knows the peer by, so nothing is kept of it here.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { formatAddress, withoutMapping } from '../network/addresses.ts';

/** Links that were given and not yet followed; the oldest goes. */
const maxOneTimeTokens = 64;
export const oneTimeMilliseconds = 10 * 60 * 1000;
const sessionMilliseconds = 30 * 24 * 3600 * 1000;
const oneTimeBytes = 24;

export interface SessionOptions {
  /** Of the API. */
  readonly token: string;
  /** Cookies know no ports, so the name of this one does. */
  readonly port: () => number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export class Sessions {
  readonly #options: SessionOptions;
  readonly #key: Buffer;
  /** The hash of each token, and until when it is good. */
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

  /** Whether the token is one of a link, unused and in time, or the API's own. It is used up by this. */
  redeem(token: string): boolean {
    const expires = this.#oneTime.get(hash(token));
    this.#oneTime.delete(hash(token));
    return expires === undefined ? isSame(token, this.#options.token) : expires > this.#now();
  }

  /** The value of Set-Cookie that makes this browser one of the peer's user. */
  cookie(request: IncomingMessage, isSecure: boolean): string {
    const expires = this.#now() + sessionMilliseconds;
    const value = `${expires}.${this.#proof(expires, request)}`;
    return this.#written(value, sessionMilliseconds / 1000, isSecure);
  }

  /** The value of Set-Cookie that ends it. */
  ended(isSecure: boolean): string {
    return this.#written('', 0, isSecure);
  }

  /** Whether the request carries a cookie that was given for its host and is still good. */
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

  /** Browsers take a name that begins with `__Host-` only over TLS and only of this very host. */
  #name(isSecure: boolean): string {
    return `${isSecure ? '__Host-' : ''}chordial-${this.#options.port()}`;
  }
}

const proofKeyBytes = 32;

/** A new key for each start of a peer, which its notes give to commands of the same user. */
export function createProofKey(): string {
  return randomBytes(proofKeyBytes).toString('hex');
}

/**
 * What only who has the key can say, of this connection: a program that took the peer's port cannot pass the question on to
 * the peer elsewhere, since the answer is made of the address that the connection leads to.
 */
export function proofOf(key: string, nonce: string, address: string): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(`chordial api 1\n${address}\n${nonce}`).digest('hex');
}

/** HOST:PORT at the server's end of a connection. */
export function serverAddress({
  localAddress = '',
  localPort = 0,
}: Pick<Socket, 'localAddress' | 'localPort'>): string {
  return formatAddress({ host: withoutMapping(localAddress), port: localPort });
}

/** In constant time, whatever the lengths. */
export function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function hash(token: string): string {
  return digest(token).toString('base64url');
}
