import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { until } from '../../test/fixtures/until.ts';
import { startDoor } from './door.ts';
import type { DoorService } from './service.ts';

const listen = { host: '127.0.0.1', port: 0 };

async function openDoor() {
  const door = await startDoor({ listen, services: [], peer: () => null });
  return { url: door.shown().url, shown: door.shown, [Symbol.asyncDispose]: () => door.close() };
}

test('whatever is not there has one answer, a page for people and a problem for programs', async () => {
  await using door = await openDoor();
  const bodies = new Set<string>();
  for (const [method, route] of [
    ['GET', '/'],
    ['GET', '/s/unknown'],
    ['DELETE', '/s/unknown'],
    ['GET', '/api/v1/node'],
    ['PUT', '/api/v1/files/x'],
    ['GET', '/s/%2e%2e/%2e%2e/etc/passwd'],
  ] as const) {
    const answer = await fetch(door.url + route, { method });
    assert.equal(answer.status, 404, route);
    bodies.add(await answer.text());
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(answer.headers.get('access-control-allow-origin'), null);
    assert.ok([...answer.headers].flat().join('').length < 2048);
  }
  assert.equal(bodies.size, 1);
  const page = await fetch(`${door.url}/s/unknown`, { headers: { Accept: 'text/html' } });
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(await page.text(), /There is nothing here/);
});

test('a page of another site can send nothing', async () => {
  await using door = await openDoor();
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${door.url}/s/x`, { method: 'POST', headers })).status;
  assert.equal(await status({ Origin: 'https://evil.example' }), 403);
  assert.equal(await status({ Origin: 'null' }), 403);
  assert.equal(await status({ Origin: door.url }), 404);
  // Behind a proxy the scheme is another one.
  assert.equal(await status({ Origin: door.url.replace('http:', 'https:') }), 404);
  assert.equal(await status({ Origin: `${door.url}1` }), 403);
});

test('a port that is taken, and files that are no certificate, are told', async () => {
  await using door = await openDoor();
  const taken = { host: '127.0.0.1', port: Number(new URL(door.url).port) };
  await assert.rejects(startDoor({ listen: taken, services: [], peer: () => null }), {
    code: 'port-in-use',
    message: /The door cannot listen at .*--door HOST:PORT/,
  });
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
  try {
    const file = path.join(folder, 'c.pem');
    await writeFile(file, 'no certificate');
    const tls = { certificate: file, key: path.join(folder, 'missing') };
    await assert.rejects(startDoor({ listen, services: [], peer: () => null, tls }), {
      code: 'bad-configuration',
      message: /missing.*--tls-cert and --tls-key/,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an upload that drips is ended after a minute, and one that moves is not', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const taking: DoorService = {
    name: 'links',
    routes: (app) => {
      app.addContentTypeParser('*', (_request, _payload, done) => done(null));
      app.put('/take', { config: { streamsBody: true } }, async ({ raw }) => {
        let bytes = 0;
        for await (const piece of raw) bytes += (piece as Uint8Array).length;
        return String(bytes);
      });
    },
  };
  const door = await startDoor({ listen, services: [taking], peer: () => null });
  try {
    const { port } = new URL(door.shown().url);
    const begun = async () => {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
      socket.write(
        'PUT /take HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Length: 200000\r\nConnection: close\r\n\r\nx',
      );
      return socket;
    };
    const [drips, moves] = await Promise.all([begun(), begun()]);
    await until(() => door.shown().requests === 2);
    const closed = once(drips, 'close');
    moves.write('x'.repeat(100_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.mock.timers.tick(60_000);
    await closed;
    moves.write('x'.repeat(99_999));
    assert.match(await text(moves), /200000$/);
  } finally {
    await door.close();
  }
});
