/**
 * Access control of the API. It listens on loopback by default, where every web page that the user opens, and every
 * other user of the machine, can also send requests. So an unknown Host (DNS rebinding) and a foreign Origin are
 * refused, and all but probes and the page's own files need the token, or the cookie of a browser that signed in
 * through a link.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { ChordialError } from '../errors.ts';
import { credentials } from '../http/credentials.ts';
import { type Address, interfaceAddresses, isLoopback, isUnspecified, withoutMapping } from '../network/addresses.ts';
import { isSame, type Sessions } from './sessions.ts';

export interface AccessRules {
  readonly bound: Address;
  readonly token: string;
  readonly sessions: Sessions;
  /** `https://files.example.org`, the origin of a reverse proxy; null without one. */
  readonly origin: string | null;
}

/** In the `config` of a route: needs no token, since it reveals nothing about the peer. */
declare module 'fastify' {
  interface FastifyContextConfig {
    isOpen?: boolean;
  }
}

/** Throws `forbidden-origin` or `token-required`. */
export function checkAccess(request: IncomingMessage, rules: AccessRules, isOpen: boolean): void {
  checkHost(request, rules);
  checkOrigin(request, rules);
  if (!isOpen) checkToken(request, rules);
}

/** Whether the caller is a program on this machine, for routes that take its paths. */
export function isFromThisMachine(request: IncomingMessage, origin: string | null): boolean {
  const { headers } = request;
  const isHandedOn = forwardingHeaders.some((name) => headers[name] !== undefined);
  if (isHandedOn || (origin !== null && isThroughProxy(request, origin))) return false;
  const remote = withoutMapping(request.socket.remoteAddress ?? '');
  return isLoopback(remote) || interfaceAddresses().includes(remote);
}

const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** Whether the browser reaches this API through TLS, directly or by the proxy. */
export function isSecure(request: IncomingMessage, { origin }: AccessRules): boolean {
  if (request.socket instanceof TLSSocket) return true;
  return origin?.startsWith('https:') === true && isThroughProxy(request, origin);
}

function isThroughProxy({ headers }: IncomingMessage, origin: string): boolean {
  return headers.origin === origin || isHostOf(origin, headers.host);
}

function isHostOf(origin: string, host: string | undefined): boolean {
  const { host: own, hostname, protocol } = new URL(origin);
  const given = host?.toLowerCase();
  return given === own || given === `${hostname}:${protocol === 'https:' ? 443 : 80}`;
}

function checkHost(request: IncomingMessage, { bound, origin }: AccessRules): void {
  const host = hostName(request.headers.host ?? '');
  if (isLoopback(host) || host === bound.host.toLowerCase()) return;
  // A rebinding page needs a host name; the literal addresses of this machine are not one.
  if (isUnspecified(bound.host) && interfaceAddresses().includes(host)) return;
  if (origin !== null && isHostOf(origin, request.headers.host)) return;
  const shown = JSON.stringify((request.headers.host ?? '').slice(0, 261));
  throw new ChordialError(
    'forbidden-origin',
    `The request is for the host ${shown}, which this API does not answer for. Use its address, for example http://127.0.0.1:${bound.port}; behind a proxy start the peer with --api-origin https://NAME.`,
  );
}

function checkOrigin(request: IncomingMessage, rules: AccessRules): void {
  if (isOfOwnPage(request, rules) !== false) return;
  const { origin, 'sec-fetch-site': site } = request.headers;
  throw new ChordialError(
    'forbidden-origin',
    `The request comes from a web page of another origin (${JSON.stringify((origin ?? site ?? '').slice(0, 261))}). Only the page of this peer itself may call its API; programs send no Origin, and behind a proxy --api-origin says which one is meant.`,
  );
}

/** Null when absent, as from programs. */
function isOfOwnPage(request: IncomingMessage, rules: AccessRules): boolean | null {
  const { origin, host = '', 'sec-fetch-site': site } = request.headers;
  const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
  const isOwnOrigin = origin === `${scheme}://${host}` || (rules.origin !== null && origin === rules.origin);
  if (origin !== undefined && !isOwnOrigin) return false;
  // Other sites may link here, as to any site, but neither embed nor call it.
  const isLinkFollowed =
    request.headers['sec-fetch-mode'] === 'navigate' &&
    request.headers['sec-fetch-dest'] === 'document' &&
    isRead(request);
  if (site === 'cross-site' || site === 'same-site') return isLinkFollowed ? null : false;
  return isOwnOrigin || site === 'same-origin' ? true : null;
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function checkToken(request: IncomingMessage, rules: AccessRules): void {
  const given = credentials(request.headers.authorization ?? '');
  if (given !== null && isSame(given, rules.token)) return;
  const isIn = given === null && rules.sessions.isIn(request);
  // With a cookie the browser must also say which page sent the request.
  if (isIn && (isRead(request) || isOfOwnPage(request, rules) === true)) return;
  const wrong = given === null ? '' : ', and the one given is wrong';
  throw new ChordialError(
    'token-required',
    `The API needs its token${wrong}. Open the page with a link of "chordial open"; programs send "Authorization: Bearer TOKEN" with the token of CHORDIAL_API_TOKEN or of the file api-token in the data folder.`,
  );
}

/** The Host header without port and brackets. */
function hostName(header: string): string {
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(header);
  return (parts?.[1] ?? parts?.[2] ?? '').toLowerCase();
}
