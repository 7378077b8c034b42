/**
 * Who may speak to the API. It listens on loopback by default, where every web page that the user opens can also send
 * requests; so an unknown Host (DNS rebinding) and another Origin are refused. Beyond loopback a token is needed.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ChordialError } from '../errors.ts';
import { type Address, interfaceAddresses, isLoopback, isUnspecified, withoutMapping } from '../network/addresses.ts';

export interface AccessRules {
  readonly bound: Address;
  /** Null where only this machine reaches the API. */
  readonly token: string | null;
}

/** Probes of an orchestrator carry no token, and learn nothing but yes or no. */
const openPaths = new Set(['/healthz', '/readyz']);

/** Throws `forbidden-origin` or `token-required`. */
export function checkAccess(request: IncomingMessage, rules: AccessRules): void {
  checkHost(request, rules);
  checkOrigin(request);
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (rules.token !== null && !openPaths.has(path)) checkToken(request, rules.token);
}

/** Whether the request comes from a program on this machine, for routes that touch files by path. */
export function isFromThisMachine(request: IncomingMessage): boolean {
  const remote = withoutMapping(request.socket.remoteAddress ?? '');
  return isLoopback(remote) || interfaceAddresses().includes(remote);
}

function checkHost(request: IncomingMessage, rules: AccessRules): void {
  const host = hostName(request.headers.host ?? '');
  if (isLoopback(host) || host === rules.bound.host.toLowerCase()) return;
  // A rebinding page needs a name of its own; the literal addresses of this machine are none.
  if (isUnspecified(rules.bound.host) && interfaceAddresses().includes(host)) return;
  const shown = JSON.stringify((request.headers.host ?? '').slice(0, 261));
  throw new ChordialError(
    'forbidden-origin',
    `The request is for the host ${shown}, which this API does not answer for. Use its address, for example http://127.0.0.1:${rules.bound.port}.`,
  );
}

function checkOrigin(request: IncomingMessage): void {
  const origin = request.headers.origin;
  const own = `http://${request.headers.host ?? ''}`;
  const site = request.headers['sec-fetch-site'];
  // A page elsewhere may link here, as it may to any site; it may neither embed nor call.
  const isLinkFollowed =
    request.headers['sec-fetch-mode'] === 'navigate' &&
    request.headers['sec-fetch-dest'] === 'document' &&
    (request.method === 'GET' || request.method === 'HEAD');
  const isForeign = site === 'cross-site' || site === 'same-site';
  if ((origin === undefined || origin === own) && (!isForeign || isLinkFollowed)) return;
  throw new ChordialError(
    'forbidden-origin',
    `The request comes from a web page of another origin (${JSON.stringify((origin ?? site ?? '').slice(0, 261))}). Only the page of this peer itself may call its API; programs send no Origin.`,
  );
}

function checkToken(request: IncomingMessage, token: string): void {
  const given = credentials(request.headers.authorization ?? '');
  if (given !== null && timingSafeEqual(digest(given), digest(token))) return;
  throw new ChordialError(
    'token-required',
    `The API is reachable from other machines and needs its token${given === null ? '' : ', and the one given is wrong'}. Send "Authorization: Bearer TOKEN" with the token of CHORDIAL_API_TOKEN or of the file api-token in the data folder.`,
  );
}

/** `Bearer TOKEN`, or `Basic` with the token as its password, which is what browsers can ask for. */
function credentials(header: string): string | null {
  const [scheme = '', value = ''] = header.split(' ', 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

/** Equal lengths for the comparison in constant time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The Host header without port and brackets. */
function hostName(header: string): string {
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(header);
  return (parts?.[1] ?? parts?.[2] ?? '').toLowerCase();
}
