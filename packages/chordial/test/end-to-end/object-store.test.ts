import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gives, inStore, keepsBlocksIn, keysFile, put, type RealStore } from '../fixtures/blocks-in-store.ts';
import { ObjectStore } from '../fixtures/object-store.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import { refusedStart } from './refusal.ts';

const keys = { accessKeyId: 'AKIDOFTHETEST', secretAccessKey: 'secret-of-the-test' };
const placeOf = ({ endpoint, bucket }: ObjectStore): RealStore => ({ endpoint, bucket, ...keys });

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
