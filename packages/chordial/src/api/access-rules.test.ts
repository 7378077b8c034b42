import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { ChordialError } from '../errors.ts';
import { interfaceAddresses } from '../network/addresses.ts';
import { type AccessRules, checkAccess, isFromThisMachine, isSecure } from './access.ts';
import { Sessions } from './sessions.ts';

const token = 'a:token';
const bearer = `Bearer ${token}`;
const sessions = new Sessions({ token, port: () => 8080 });
const here = { Host: '127.0.0.1:8080' };
const outside = 'https://files.example.org';

interface Sent {
  readonly method?: string;
  readonly isTls?: boolean;
  readonly from?: string;
}

function requestWith(headers: Readonly<Record<string, string>>, { method = 'GET', isTls, from }: Sent = {}) {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const socket = isTls === true ? Object.create(TLSSocket.prototype) : { remoteAddress: from };
  return { method, headers: Object.fromEntries(lower), socket } as IncomingMessage;
}

function rulesOf(changes: Partial<AccessRules> = {}): AccessRules {
  return { bound: { host: '127.0.0.1', port: 8080 }, token, sessions, origin: null, ...changes };
}

/** `ok`, or the code of the refusal. */
function outcome(request: IncomingMessage, rules = rulesOf(), isOpen = false): string {
  try {
    checkAccess(request, rules, isOpen);
    return 'ok';
  } catch (error) {
    if (error instanceof ChordialError) return error.code;
    throw error;
  }
}

const ofHost = (host: string, rules?: AccessRules) =>
  outcome(requestWith({ Host: host, Authorization: bearer }), rules);

test('C3 loopback and the address that the API is bound to are its hosts, with any port, and nothing that looks like them', () => {
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.0.0.1:65535', '[::1]', '[::1]:8080'])
    assert.equal(ofHost(host), 'ok', host);
  for (const host of [
    '',
    'evil.example',
    'evil:[::1]',
    'evil:localhost',
    'evil:80:localhost',
    'localhost:80.evil.example',
    'localhost:80x',
    'localhost:x',
    'localhost:',
    'localhost:123456',
    '[::1].evil.example',
    '[::1',
    '[]',
  ])
    assert.equal(ofHost(host), 'forbidden-origin', host);
  const named = rulesOf({ bound: { host: 'Peer.Example', port: 8080 } });
  assert.equal(ofHost('peer.EXAMPLE:8080', named), 'ok');
  assert.equal(ofHost('peer.example.org', named), 'forbidden-origin');
  assert.equal(outcome(requestWith({ Authorization: bearer })), 'forbidden-origin', 'no host at all');
});

test('C3 bound to all addresses, it answers for those of this machine', () => {
  const all = rulesOf({ bound: { host: '0.0.0.0', port: 8080 } });
  for (const address of interfaceAddresses()) {
    const host = address.includes(':') ? `[${address}]` : address;
    assert.equal(ofHost(`${host}:8080`, all), 'ok');
    assert.equal(ofHost(`${host}:8080`), 'forbidden-origin', 'not where it is bound to');
  }
  assert.equal(ofHost('192.0.2.1', all), 'forbidden-origin');
  assert.equal(ofHost('evil.example', all), 'forbidden-origin');
});

test('M4 behind a proxy its host is taken, with the port of its scheme or none', () => {
  const https = rulesOf({ origin: outside });
  for (const host of ['files.example.org', 'FILES.example.org', 'files.example.org:443'])
    assert.equal(ofHost(host, https), 'ok', host);
  for (const host of ['files.example.org:80', 'files.example.org:8443', 'example.org', 'x.files.example.org'])
    assert.equal(ofHost(host, https), 'forbidden-origin', host);
  const http = rulesOf({ origin: 'http://files.example.org' });
  assert.equal(ofHost('files.example.org:80', http), 'ok');
  assert.equal(ofHost('files.example.org:443', http), 'forbidden-origin');
  assert.equal(ofHost('files.example.org:8443', rulesOf({ origin: 'https://files.example.org:8443' })), 'ok');
  assert.equal(ofHost('files.example.org'), 'forbidden-origin', 'no proxy is set');
});

test('C3 what a web page of another origin sends is refused, even with the token', () => {
  const navigates = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  const rows: readonly (readonly [string, Readonly<Record<string, string>>, Sent?])[] = [
    ['ok', {}],
    ['ok', { Origin: 'http://127.0.0.1:8080' }],
    ['ok', { Origin: 'https://127.0.0.1:8080' }, { isTls: true }],
    ['forbidden-origin', { Origin: 'https://127.0.0.1:8080' }],
    ['forbidden-origin', { Origin: 'http://127.0.0.1:8080' }, { isTls: true }],
    ['forbidden-origin', { Origin: 'http://127.0.0.1:8081' }],
    ['forbidden-origin', { Origin: 'null' }],
    ['forbidden-origin', { Origin: outside }],
    ['forbidden-origin', { Origin: outside, 'Sec-Fetch-Site': 'same-origin' }],
    ['ok', { 'Sec-Fetch-Site': 'same-origin' }],
    ['ok', { 'Sec-Fetch-Site': 'none' }],
  ];
  for (const [expected, headers, sent] of rows)
    assert.equal(
      outcome(requestWith({ ...here, Authorization: bearer, ...headers }, sent)),
      expected,
      JSON.stringify(headers),
    );
  for (const site of ['cross-site', 'same-site']) {
    const ask = (headers: Readonly<Record<string, string>>, method = 'GET') =>
      outcome(requestWith({ ...here, Authorization: bearer, 'Sec-Fetch-Site': site, ...headers }, { method }));
    assert.equal(ask(navigates), 'ok', 'a link');
    assert.equal(ask(navigates, 'HEAD'), 'ok');
    assert.equal(ask(navigates, 'POST'), 'forbidden-origin', 'a form');
    assert.equal(ask({ ...navigates, 'Sec-Fetch-Dest': 'iframe' }), 'forbidden-origin');
    assert.equal(ask({ ...navigates, 'Sec-Fetch-Mode': 'cors' }), 'forbidden-origin');
    assert.equal(ask({}), 'forbidden-origin');
  }
});

test('M4 behind a proxy the page of its origin is the own one', () => {
  const proxied = requestWith({ ...here, Authorization: bearer, Origin: outside });
  assert.equal(outcome(proxied, rulesOf({ origin: outside })), 'ok');
  assert.equal(outcome(proxied, rulesOf({ origin: 'https://other.example.org' })), 'forbidden-origin');
});

test('C3 the token is taken as bearer or as password, in whatever case the scheme is', () => {
  const ask = (Authorization: string) => outcome(requestWith({ ...here, Authorization }));
  for (const right of [bearer, `bearer ${token}`, `Basic ${btoa(`anyone:${token}`)}`, `BASIC ${btoa(`:${token}`)}`])
    assert.equal(ask(right), 'ok', right);
  for (const wrong of [
    '',
    'Bearer',
    'Bearer wrong',
    `Bearerx ${token}`,
    `xBearer ${token}`,
    `Basic ${token}`,
    `Basic ${btoa(`anyone:${token}x`)}`,
    `Basicx ${btoa(`anyone:${token}`)}`,
    `xBasic ${btoa(`anyone:${token}`)}`,
    `Digest ${token}`,
    token,
  ])
    assert.equal(ask(wrong), 'token-required', wrong);
  assert.equal(outcome(requestWith(here)), 'token-required');
  assert.equal(outcome(requestWith(here), rulesOf(), true), 'ok', 'an open route');
  const refused = (headers: Readonly<Record<string, string>>, message: RegExp) =>
    assert.throws(() => checkAccess(requestWith(headers), rulesOf(), false), { code: 'token-required', message });
  refused(here, /needs its token\./);
  refused({ ...here, Authorization: 'Bearer wrong' }, /the one given is wrong/);
});

test('C3 a cookie is enough to read; to change something the browser must say that the page itself asked', () => {
  const [Cookie = ''] = sessions.cookie(requestWith(here), false).split(';');
  const ask = (headers: Readonly<Record<string, string>>, method = 'GET') =>
    outcome(requestWith({ ...here, Cookie, ...headers }, { method }));
  assert.equal(ask({}), 'ok');
  assert.equal(ask({}, 'HEAD'), 'ok');
  assert.equal(ask({}, 'POST'), 'token-required');
  assert.equal(ask({ 'Sec-Fetch-Site': 'none' }, 'DELETE'), 'token-required');
  assert.equal(ask({ 'Sec-Fetch-Site': 'same-origin' }, 'DELETE'), 'ok');
  assert.equal(ask({ Origin: 'http://127.0.0.1:8080' }, 'POST'), 'ok');
  assert.equal(ask({ Host: 'localhost:8080' }), 'token-required', 'of another host');
  assert.equal(ask({ Authorization: 'Bearer wrong' }), 'token-required', 'who gives a token means it');
  assert.equal(ask({ Authorization: 'Digest x' }), 'ok');
});

test('M5 on this machine is who connects from it without a proxy between', () => {
  const isHere = (
    from: string | undefined,
    headers: Readonly<Record<string, string>> = {},
    origin: string | null = outside,
  ) => isFromThisMachine(requestWith({ ...here, ...headers }, from === undefined ? {} : { from }), origin);
  for (const from of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', ...interfaceAddresses()]) {
    assert.equal(isHere(from), true, from);
    assert.equal(isHere(from, {}, null), true, from);
  }
  assert.equal(isHere('192.0.2.1'), false);
  assert.equal(isHere('::ffff:192.0.2.1'), false);
  assert.equal(isHere(undefined), false);
  for (const header of ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP', 'Via']) {
    assert.equal(isHere('127.0.0.1', { [header]: 'x' }), false, header);
    assert.equal(isHere('127.0.0.1', { [header]: 'x' }, null), false, header);
  }
  assert.equal(isHere('127.0.0.1', { Origin: outside }), false);
  assert.equal(isHere('127.0.0.1', { Host: 'files.example.org' }), false);
  assert.equal(isHere('127.0.0.1', { Origin: outside }, null), true);
});

test('M5 a browser that comes through TLS, here or at the proxy, is given secure cookies', () => {
  const secure = (headers: Readonly<Record<string, string>>, origin: string | null, isTls = false) =>
    isSecure(requestWith({ ...here, ...headers }, { isTls }), rulesOf({ origin }));
  assert.equal(secure({}, null, true), true);
  assert.equal(secure({}, null), false);
  assert.equal(secure({ Origin: outside }, outside), true);
  assert.equal(secure({ Host: 'files.example.org' }, outside), true);
  assert.equal(secure({}, outside), false, 'directly');
  assert.equal(secure({ Origin: 'http://files.example.org' }, 'http://files.example.org'), false);
});
