import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ServedPeer, servedToken, testKey } from '../../test/fixtures/served-peer.ts';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { proofOf } from '../api/sessions.ts';
import { tlsCredentials } from '../network/certificate.ts';
import { createIdentity } from '../network/identity.ts';
import { ApiClient } from './client.ts';
import { findPeer, writeNotes } from './running-peer.ts';

const variables = ['XDG_RUNTIME_DIR', 'XDG_DATA_HOME', 'CHORDIAL_API_TOKEN'] as const;
const before = new Map<string, string | undefined>();

beforeEach(() => {
  for (const name of variables) before.set(name, process.env[name]);
  delete process.env['CHORDIAL_API_TOKEN'];
});

afterEach(() => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/** A peer that runs on `data`, its notes written. */
async function run(data: string, runtime: string): Promise<{ served: ServedPeer; remove: () => Promise<void> }> {
  process.env['XDG_RUNTIME_DIR'] = runtime;
  await mkdir(data, { recursive: true });
  await writeFile(path.join(data, 'api-token'), `${servedToken}\n`);
  const served = await ServedPeer.open();
  const { url, proofKey, address } = served.api;
  const note = { url, proofKey, certificate: null, save: null, token: servedToken, localKey: testKey };
  const remove = await writeNotes(data, address, note, (error) => assert.fail(error));
  return { served, remove };
}

/** Something else at an address; what it was sent. */
async function impostor(port: number, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const seen: IncomingMessage['headers'][] = [];
  const server = createServer((asked, response) => {
    seen.push(asked.headers);
    answer(asked, response);
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return { seen, port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test('M9 a command of the same user finds the token by the data folder or by the address alone', () =>
  withFolder(async (folder) => {
    const data = path.join(folder, 'data');
    const { served, remove } = await run(data, folder);
    await using _ = served;
    for (const options of [
      { data },
      { api: served.api.url },
      { api: served.api.address, data: path.join(folder, 'none') },
    ]) {
      const { client, isHere, key } = await findPeer(options);
      assert.equal(key, testKey);
      assert.equal((await client.call('GET /api/v1/node')).state, 'member');
      assert.equal(isHere, true);
    }
    const [note = ''] = await readdir(path.join(folder, 'chordial'));
    for (const file of [path.join(folder, 'chordial', note), path.join(data, 'running-peer.json')]) {
      assert.equal((await stat(file)).mode & 0o777, 0o600);
    }
    assert.equal((await stat(path.join(folder, 'chordial'))).mode & 0o777, 0o700);
    await remove();
    assert.deepEqual(await readdir(path.join(folder, 'chordial')), []);
    const elsewhere = await findPeer({ api: served.api.url });
    assert.equal(elsewhere.isHere, false);
    await assert.rejects(elsewhere.client.call('GET /api/v1/node'), { code: 'token-required' });
    await assert.rejects(findPeer({ data }), { code: 'no-running-peer' });
  }));

test('M9 what has the port of a dead peer gets no token, also when it asks the living peer elsewhere', () =>
  withFolder(async (folder) => {
    const data = path.join(folder, 'data');
    const { served } = await run(data, folder);
    const port = Number(new URL(served.api.url).port);
    const { api, peer } = served;
    await api.close();
    for (const answer of [
      (_: IncomingMessage, response: ServerResponse) => response.end('{"proof":"x"}'),
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(404).end(),
      // What the peer itself says, asked at another address by the impostor.
      ({ url = '' }: IncomingMessage, response: ServerResponse) => {
        const proof = proofOf(api.proofKey, url.split('nonce=')[1] ?? '', '127.0.0.1:1');
        response.end(JSON.stringify({ proof }));
      },
    ]) {
      const taken = await impostor(port, answer);
      for (const options of [{ data }, { api: api.url }]) {
        await assert.rejects(findPeer(options), { code: 'no-running-peer', message: /another program/ });
      }
      assert.equal(taken.seen.length, 2);
      for (const headers of taken.seen) assert.equal(headers.authorization, undefined);
      taken.close();
    }
    await peer.stop();
  }));

test('M9 an address that no note names gets only a token given for it, and a warning where it travels in clear', () =>
  withFolder(async (folder) => {
    const data = path.join(folder, 'data');
    const { served } = await run(data, folder);
    await using _ = served;
    const other = await impostor(0, (_asked, response) => response.end('{}'));
    const api = `http://127.0.0.1:${other.port}`;
    const ask = async () => (await findPeer({ data, api })).client.call('GET /api/v1/peers');
    await ask();
    assert.equal(other.seen.at(-1)?.authorization, undefined);
    process.env['CHORDIAL_API_TOKEN'] = 'a-token-that-was-given';
    await ask();
    assert.equal(other.seen.at(-1)?.authorization, 'Bearer a-token-that-was-given');
    other.close();
    const said: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = ((text: string) => said.push(text) > 0) as typeof process.stderr.write;
    try {
      await findPeer({ data, api: 'https://files.example.org' });
      assert.deepEqual(said, []);
      await findPeer({ data, api: 'http://files.example.org' });
      assert.match(said.join(), /unencrypted/);
    } finally {
      process.stderr.write = write;
    }
  }));

test('M5 an API with a certificate of its own is reached by who read it in the note, and by no one who did not', async () => {
  const { key, cert } = tlsCredentials(createIdentity());
  const certificate = String(cert);
  await using served = await ServedPeer.open({ tls: { certificate, key: String(key) } });
  assert.match(served.api.url, /^https:/);
  const client = new ApiClient(served.api.url, { token: servedToken, certificate });
  assert.equal((await client.call('GET /api/v1/node')).state, 'member');
  const strict = new ApiClient(served.api.url, { token: servedToken });
  await assert.rejects(strict.call('GET /api/v1/node'), { code: 'unreachable' });
});
