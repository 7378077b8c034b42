import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Authority } from '../fixtures/authority.ts';
import { gives, inStore, keepsBlocksIn, keysFile, put, type RealStore } from '../fixtures/blocks-in-store.ts';
import { ObjectStore } from '../fixtures/object-store.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';
import { refusedStart } from './refusal.ts';

const keys = { accessKeyId: 'AKIDOFTHETEST', secretAccessKey: 'secret-of-the-test' };
const placeOf = ({ endpoint, bucket }: ObjectStore): RealStore => ({ endpoint, bucket, ...keys });

/** Those of the store in `/metrics`, without what their names have in common. */
async function figuresOf(peer: PeerProcess): Promise<ReadonlyMap<string, number>> {
  const text = await (await peer.request('/metrics')).text();
  return new Map([...text.matchAll(/^chordial_store_(\S+) (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)]));
}

test('B14 blocks in an object store are got after kill -9, with an empty cache and with a lost catalogue', async () => {
  await using objects = await ObjectStore.open();
  await using network = await NetworkFixture.open();
  const [stays, leaves] = await keepsBlocksIn(network, placeOf(objects));
  const owners = () => new Set(objects.blockKeys.map((key) => key.split('/')[1]));
  assert.deepEqual(owners(), new Set([stays, leaves].map(({ ready }) => ready.id)));
  const headers = { 'Content-Type': 'application/json' };
  const left = await leaves.request('/api/v1/node/leave', { method: 'POST', headers, body: '{}' });
  assert.ok(left.ok, await left.text());
  await leaves.exited;
  assert.deepEqual(owners(), new Set([stays.ready.id]));
});

test('B14 a store that is away makes a peer busy and nothing absent, and a start says what is wrong', async () => {
  await using objects = await ObjectStore.open();
  await using network = await NetworkFixture.open();
  const store = placeOf(objects);
  const peer = await network.start({ data: 'peer', ...inStore(store) });
  const [body, other] = [randomBytes(1_500_000), randomBytes(1_500_000)];
  await put(peer, 'kept', body);

  objects.fault = () => ({ status: 503, code: 'SlowDown' });
  const route = '/api/v1/files/kept';
  const away = await until('told as away', async () => {
    const answer = await peer.request(route);
    return answer.status === 503 && ((await answer.json()) as { code: string; detail: string });
  });
  assert.equal(away.code, 'store-away');
  const findings = async () =>
    (await peer.json<{ findings: { check: string; level: string; text: string }[] }>('/api/v1/health')).findings;
  const figures = await figuresOf(peer);
  assert.ok(figures.get('requests_total{outcome="answered"}')! > 0);
  assert.ok(figures.get('requests_total{outcome="away"}')! > 0);
  assert.deepEqual(
    ['up', 'away', 'refused', 'full'].map((state) => figures.get(`state{state="${state}"}`)),
    [0, 1, 0, 0],
  );
  assert.ok(figures.get('bytes_total{direction="up"}')! >= body.length);
  assert.ok(figures.get('seconds_total')! > 0);
  assert.ok(figures.get('cache_reads_total{result="miss"}')! > 0);
  assert.deepEqual([figures.get('cache_bytes'), figures.get('waiting')], [0, 0]);
  const found = (await findings()).find(({ check }) => check === 'object store');
  assert.deepEqual([found?.level, /does not answer as it should: 503 SlowDown/.test(found?.text ?? '')], ['bad', true]);
  const refused = await peer.request('/api/v1/files/other', { method: 'PUT', body: other });
  assert.equal(refused.status, 503, await refused.text());
  // It starts while the store is away: what it needs of it is asked for later.
  await peer.kill9();
  const again = await network.restart(peer, inStore(store));
  assert.equal((await again.request(route)).status, 503);
  assert.equal((await again.request('/api/v1/files/never%20put')).status, 404);
  objects.fault = () => undefined;
  await until('back', async () => (await again.request(route)).status === 200);
  await gives(again, 'kept', body);
  await put(again, 'other', other);
  const said = [...again.lines, ...again.errorLines].join('\n');
  assert.match(said, /answers again/);
  assert.ok(!said.includes(keys.secretAccessKey));
  assert.ok(!readFileSync(`/proc/${again.pid}/cmdline`, 'utf8').includes(keys.accessKeyId));
  await again.kill9();

  const data = ['--data', path.join(network.folder, 'peer')];
  const { flags } = inStore(store);
  const file = await keysFile(path.join(network.folder, 'keys'), store);
  const fresh = ['--data', path.join(network.folder, 'fresh')];
  const withKeys = ['--s3-keys', file];
  const cases: readonly [readonly string[], string, RegExp][] = [
    [[...data, ...flags], 'bad-configuration', /AWS_ACCESS_KEY_ID.*--s3-keys/],
    [[...data], 'bad-usage', /lie in s3:\/\/blocks\/peers.*Start with --blocks s3:\/\/blocks\/peers/],
    [[...fresh, ...flags, ...withKeys, '--blocks', 's3://nowhere'], 'store-refused', /no such bucket/],
    [
      [...fresh, ...flags, ...withKeys, '--s3-endpoint', 'http://127.0.0.1:9'],
      'store-away',
      /ECONNREFUSED.*does not start without it/,
    ],
  ];
  for (const [given, code, text] of cases) {
    const refusal = await refusedStart(network, given);
    assert.equal(refusal.code, code, given.join(' '));
    assert.match(refusal.message, text);
    assert.ok(!refusal.message.includes(keys.secretAccessKey));
  }
  objects.fault = () => ({ status: 403, code: 'InvalidAccessKeyId' });
  const denied = await refusedStart(network, [...data, ...flags, ...withKeys]);
  assert.deepEqual([denied.code, /does not know the access key/.test(denied.message)], ['store-refused', true]);
});

test('B14 an object store over TLS is used when its CA is known, and refused with what to do when not', async () => {
  const authority = new Authority();
  await using objects = await ObjectStore.open(authority.issue());
  await using network = await NetworkFixture.open();
  const store = placeOf(objects);
  const file = path.join(network.folder, 'ca.pem');
  await writeFile(file, authority.certificate);
  const { flags, environment, ...options } = inStore(store);
  const trusting = { flags, ...options, environment: { ...environment, NODE_EXTRA_CA_CERTS: file } };
  const peer = await network.start({ data: 'peer', ...trusting });
  const body = randomBytes(1_500_000);
  await put(peer, 'kept', body);
  await gives(peer, 'kept', body);
  assert.ok(objects.blockKeys.length > 0);
  assert.ok(![...peer.lines, ...peer.errorLines].some((line) => line.includes('without TLS')));

  // One that has expired is renewed by its owner: the store is away until then.
  objects.renew(authority.issue('20200101000000Z'));
  const route = '/api/v1/files/kept';
  await until('told as away', async () => {
    const answer = await peer.request(route);
    return answer.status === 503 && /certificate has expired/.test(await answer.text());
  });
  objects.renew(authority.issue());
  await until('back', async () => (await peer.request(route)).status === 200);
  await peer.kill9();

  const keys = ['--s3-keys', await keysFile(path.join(network.folder, 'keys'), store)];
  for (const data of ['peer', 'fresh']) {
    const given = ['--data', path.join(network.folder, data), ...flags, ...keys];
    const refusal = await refusedStart(network, given);
    assert.equal(refusal.code, 'store-refused');
    assert.match(refusal.message, /no CA known here signed its certificate.*NODE_EXTRA_CA_CERTS/);
  }
  objects.renew(authority.issue(undefined, [127, 0, 0, 2]));
  const asked = objects.requests.length;
  const fresh = ['--data', path.join(network.folder, 'fresh'), ...flags, ...keys];
  const wrong = await refusedStart(network, fresh, { NODE_EXTRA_CA_CERTS: file });
  assert.deepEqual([wrong.code, /cert's list.*Check --s3-endpoint/.test(wrong.message)], ['store-refused', true]);
  assert.equal(objects.requests.length, asked);
});
