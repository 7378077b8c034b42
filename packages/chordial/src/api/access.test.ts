import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, ServedPeer, servedToken, testKey } from '../../test/fixtures/served-peer.ts';
import { ChordialError } from '../errors.ts';
import type { OpenApiDocument } from './open-api.ts';
import { startApi } from './server.ts';
import { proofOf, Sessions } from './sessions.ts';

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

const cookieOf = (answer: { readonly headers: Answer['headers'] }) =>
  String(answer.headers['set-cookie']).split(';')[0] ?? '';

/** Trades what a link says for a cookie, as the page of `host` does. */
async function signIn(served: ServedPeer, link: string, host: string): Promise<Answer> {
  const body = JSON.stringify({ token: link.split('#t=')[1] });
  const headers = { Host: host, Origin: `http://${host}`, Cookie: '', 'Content-Type': 'application/json' };
  return served.raw('/api/v1/session', headers, 'POST', body);
}

test('C3 without the token every route is refused alike, whether it is there or not; probes and the page are open', async () => {
  await using served = await ServedPeer.open();
  await served.put('a', 'hello');
  const { paths } = (await (await served.fetch('/openapi.json')).json()) as OpenApiDocument;
  const open = new Set(['GET /healthz', 'GET /readyz', 'GET /api/v1/proof', 'POST /api/v1/session']);
  for (const [template, operations] of Object.entries(paths)) {
    for (const method of Object.keys(operations).map((one) => one.toUpperCase())) {
      if (open.has(`${method} ${template}`) || method === 'HEAD') continue;
      const answer = await served.stranger(template.replace('{name}', 'a').replace(/\{\w+\}/, 'x'), { method });
      assert.equal(answer.status, 401, `${method} ${template}`);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="chordial"');
    }
  }
  for (const route of ['/openapi.json', '/api/v1/nothing', '/nothing', '/download/a', '/metrics']) {
    assert.equal((await served.stranger(route)).status, 401, route);
  }
  for (const route of ['/', '/files', '/healthz', '/readyz']) {
    assert.equal((await served.stranger(route)).status, 200, route);
  }
  const ask = (Authorization: string) => served.stranger('/api/v1/node', { headers: { Authorization } });
  for (const wrong of ['', 'Bearer', 'Bearer wrong', `Bearer ${servedToken}x`, `Digest ${servedToken}`]) {
    assert.equal((await ask(wrong)).status, 401, wrong);
  }
  assert.equal((await ask(`Bearer ${servedToken}`)).status, 200);
  assert.equal((await ask(`Basic ${btoa(`anyone:${servedToken}`)}`)).status, 200);
});

test('C3 a link is good once, and its cookie for the host, port and page that it was given to', async () => {
  await using served = await ServedPeer.open();
  const host = new URL(served.api.url).host;
  const link = served.api.pageLink();
  assert.ok(link.startsWith(`${served.api.url}/#t=`));
  const given = await signIn(served, link, host);
  assert.equal(given.status, 204);
  const attributes = String(given.headers['set-cookie']);
  assert.match(attributes, new RegExp(`^chordial-${new URL(served.api.url).port}=`));
  assert.match(attributes, /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  assert.equal((await signIn(served, link, host)).status, 401);
  assert.equal((await signIn(served, `#t=${'x'.repeat(32)}`, host)).status, 401);
  const Cookie = cookieOf(given);
  const ask = async (headers: Record<string, string>, method = 'GET', route = '/api/v1/node') =>
    (await served.raw(route, { Host: host, Cookie, ...headers }, method)).status;
  assert.equal(await ask({}), 200);
  assert.equal(await ask({ Host: host.replace('127.0.0.1', 'localhost') }), 401);
  assert.equal(await ask({ Cookie: `${Cookie}x` }), 401);
  assert.equal(await ask({ Cookie: Cookie.replace(/=\d/, '=9') }), 401);
  assert.equal(await ask({ Cookie: `other=1; ${Cookie}` }), 200);
  // A change needs the word of the browser that the page itself asked.
  const change = (headers: Record<string, string>) => ask(headers, 'DELETE', '/api/v1/session');
  assert.equal(await change({}), 401);
  assert.equal(await change({ 'Sec-Fetch-Site': 'none' }), 401);
  assert.equal(await change({ Origin: 'http://evil.example' }), 403);
  assert.equal(await change({ 'Sec-Fetch-Site': 'same-site' }), 403);
  assert.equal(await change({ Origin: `http://${host}` }), 204);
  assert.equal(await change({ 'Sec-Fetch-Site': 'same-origin' }), 204);
  assert.equal((await signIn(served, `#t=${servedToken}`, host)).status, 204);
});

test('C3 a link that is ten minutes old is of no use, and so are others beyond 64', () => {
  let now = 0;
  const sessions = new Sessions({ token: 'x', port: () => 1, now: () => now });
  const late = sessions.issue().token;
  now = 10 * 60_000;
  assert.equal(sessions.redeem(late), false);
  const first = sessions.issue().token;
  const others = Array.from({ length: 64 }, () => sessions.issue().token);
  assert.equal(sessions.redeem(first), false);
  assert.equal(sessions.redeem(others[0] ?? ''), true);
});

test('M4 M5 behind a proxy its host and origin are taken, its callers are elsewhere, and its cookies secure', async () => {
  const origin = 'https://files.example.org';
  await using plain = await ServedPeer.open();
  const unknown = await plain.raw('/api/v1/node', { Host: 'files.example.org' });
  assert.equal(unknown.status, 403);
  assert.match(unknown.body, /--api-origin/);
  assert.equal((await plain.raw('/api/v1/node', { Origin: origin })).status, 403);

  await using served = await ServedPeer.open({ origin });
  const own = new URL(served.api.url).host;
  const proxied = { Host: 'files.example.org', Origin: origin };
  for (const headers of [proxied, { Host: own, Origin: origin }, { Host: 'files.example.org:443' }]) {
    assert.equal((await served.raw('/api/v1/node', headers)).status, 200, JSON.stringify(headers));
  }
  assert.equal((await served.raw('/api/v1/node', { Host: 'other.example.org' })).status, 403);
  assert.equal((await served.raw('/api/v1/node', { Host: own, Origin: 'https://other.example.org' })).status, 403);
  const json = { 'Content-Type': 'application/json' };
  const elsewhere = [
    proxied,
    { Origin: origin },
    { 'X-Forwarded-For': '192.0.2.1' },
    { Forwarded: 'for=192.0.2.1' },
    { Via: '1.1 x' },
  ];
  for (const headers of elsewhere) {
    for (const [route, method, body] of [
      ['/api/v1/shares', 'POST', '{"path":"/etc"}'],
      ['/api/v1/shares', 'DELETE', '{"path":"/etc"}'],
      [
        '/api/v1/transfers',
        'POST',
        '{"kind":"put","name":"x","path":"/etc/passwd","key":"the key of the user","mark":{"device":"1","inode":"1"}}',
      ],
    ] as const) {
      const answer = await served.raw(route, { ...json, ...(headers as Record<string, string>) }, method, body);
      assert.equal(answer.status, 403, `${method} ${route} ${JSON.stringify(headers)}`);
      assert.match(answer.body, /own machine|on its machine/);
    }
  }
  const share = JSON.stringify({ path: '/etc', key: testKey });
  assert.equal((await served.raw('/api/v1/shares', json, 'POST', share)).status, 201);
  const body = JSON.stringify({ token: servedToken });
  const given = await served.raw('/api/v1/session', { ...json, ...proxied, Cookie: '' }, 'POST', body);
  assert.match(String(given.headers['set-cookie']), /^__Host-chordial-\d+=.*; Secure$/);
  assert.equal((await served.raw('/api/v1/node', { ...proxied, Cookie: cookieOf(given) })).status, 200);
});

test('M5 no shared cache may keep what only the token gives', async () => {
  await using served = await ServedPeer.open();
  const { cid } = (await (await served.put('a', 'hello')).json()) as { cid: string };
  for (const route of [
    '/api/v1/files/a',
    `/api/v1/content/${cid}`,
    '/download/a',
    '/api/v1/node',
    '/metrics',
    '/api/v1/none',
  ]) {
    assert.match((await served.fetch(route)).headers.get('cache-control') ?? '', /private|no-store/, route);
  }
});

test('M9 the peer proves that it wrote the note, for the very connection that asks', async () => {
  await using served = await ServedPeer.open();
  const nonce = 'ab'.repeat(32);
  const answer = await served.stranger(`/api/v1/proof?nonce=${nonce}`);
  const { proof } = (await answer.json()) as { proof: string };
  assert.equal(proof, proofOf(served.api.proofKey, nonce, served.api.address));
  assert.notEqual(proof, proofOf(served.api.proofKey, nonce, '127.0.0.1:1'));
  assert.equal((await served.stranger('/api/v1/proof?nonce=ab')).status, 400);
});

test('A22 a taken port is told with the way out', async () => {
  await using served = await ServedPeer.open();
  const port = Number(new URL(served.api.url).port);
  await assert.rejects(
    startApi({ listen: { host: '127.0.0.1', port }, peer: () => null, token: servedToken }),
    (error) => error instanceof ChordialError && error.code === 'port-in-use' && error.message.includes('--api'),
  );
  await assert.rejects(
    startApi({ listen: { host: '192.0.2.1', port: 0 }, peer: () => null, token: 'x' }),
    (error) => error instanceof ChordialError && error.code === 'bad-address',
  );
});

test('who has no token cannot keep the peer busy with a header, where none is asked for either', async () => {
  await using served = await ServedPeer.open();
  const headers = { Authorization: '', 'Content-Encoding': `identity${' '.repeat(2000)}x` };
  const began = process.cpuUsage();
  for (const path of ['/healthz', '/']) assert.equal((await served.raw(path, headers)).status, 415, path);
  const { user, system } = process.cpuUsage(began);
  assert.ok(user + system < 1_000_000, `${user + system}`);
});
