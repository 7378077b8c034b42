import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import { ChordialError } from '../errors.ts';
import { startApi } from './server.ts';

function codeOf(answer: { readonly body: string }): string {
  return (JSON.parse(answer.body) as { code: string }).code;
}

test('a request for an unknown host is refused, as after DNS rebinding', async () => {
  await using served = await ServedPeer.open();
  for (const host of ['evil.example', 'evil.example:8081', '192.0.2.1', 'localhost.evil.example']) {
    const answer = await served.raw('/api/v1/node', { Host: host });
    assert.equal(answer.status, 403, host);
    assert.equal(codeOf(answer), 'forbidden-origin');
  }
  for (const host of ['localhost', 'localhost:1', '127.0.0.1', '[::1]:8081']) {
    assert.equal((await served.raw('/api/v1/node', { Host: host })).status, 200, host);
  }
});

test('a request from a web page of another origin is refused, one of the own page answered', async () => {
  await using served = await ServedPeer.open();
  const own = new URL(served.api.url).host;
  for (const headers of [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: `http://localhost:1` },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
    { 'Sec-Fetch-Site': 'same-site' },
  ]) {
    const answer = await served.raw('/api/v1/node', headers as Record<string, string>);
    assert.equal(answer.status, 403, JSON.stringify(headers));
  }
  assert.equal((await served.raw('/api/v1/node', { Origin: `http://${own}` })).status, 200);
  assert.equal((await served.raw('/api/v1/node', { 'Sec-Fetch-Site': 'same-origin' })).status, 200);
  const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  assert.equal((await served.raw('/', link)).status, 200);
  assert.equal((await served.raw('/api/v1/node/leave', link, 'POST')).status, 403);
});

test('beyond loopback a token is required, and health needs none', async () => {
  await assert.rejects(
    startApi({ listen: { host: '0.0.0.0', port: 0 }, peer: () => null }),
    (error) => error instanceof ChordialError && error.code === 'bad-configuration',
  );
  await using served = await ServedPeer.open('open sesame', '0.0.0.0');
  const ask = (authorization?: string) =>
    served.fetch('/api/v1/node', authorization === undefined ? {} : { headers: { Authorization: authorization } });
  const refused = await ask();
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('www-authenticate') ?? '', /Bearer/);
  assert.equal((await ask('Bearer wrong')).status, 401);
  assert.equal((await ask('Bearer wrong sesame')).status, 401);
  assert.equal((await ask(`Basic ${btoa('anyone:open sesame')}`)).status, 200);
  assert.equal((await served.fetch('/healthz')).status, 200);
});

test('A22 a taken port is told with the way out', async () => {
  await using served = await ServedPeer.open();
  const port = Number(new URL(served.api.url).port);
  await assert.rejects(
    startApi({ listen: { host: '127.0.0.1', port }, peer: () => null }),
    (error) => error instanceof ChordialError && error.code === 'port-in-use' && error.message.includes('--api'),
  );
  await assert.rejects(
    startApi({ listen: { host: '192.0.2.1', port: 0 }, peer: () => null, token: 'x' }),
    (error) => error instanceof ChordialError && error.code === 'bad-address',
  );
});
