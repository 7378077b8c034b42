import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const quotaBytes = 3_000_000;
const route = (name: string) => `/api/v1/files/${encodeURIComponent(name)}`;

async function bytesAt(peer: PeerProcess): Promise<number> {
  return (await peer.json<{ bytes: number }>('/api/v1/storage?role=replica')).bytes;
}

test('B12 A22 a full host refuses what is above its quota, the next ones take it, and every peer reads it', async (t) => {
  await using network = await NetworkFixture.open();
  const first = await network.start();
  const small = await network.start({ join: first, flags: ['--quota', String(quotaBytes)] });
  const others = [await network.start({ join: first }), await network.start({ join: first })];
  const peers = [first, small, ...others];
  await until('one ring of four', () => network.isIdeal(peers), 60_000);
  const files = new Map(Array.from({ length: 8 }, (_, index) => [`file ${index}`, randomBytes(1_500_000)]));
  let [used, index] = [0, 0];
  for (const [name, body] of files) {
    const put = await peers[index++ % 4]!.request(route(name), { method: 'PUT', body });
    assert.equal(put.status, 201, name);
    assert.equal(((await put.json()) as { copies: number }).copies, 3, name);
    used = Math.max(used, await bytesAt(small));
  }
  t.diagnostic(`the small host has ${used} of its ${quotaBytes} bytes in use`);
  assert.ok(used > 0 && used <= quotaBytes, `${used} bytes in use`);
  for (const [name, body] of files) {
    for (const peer of peers) {
      const read = await peer.request(route(name));
      assert.equal(read.status, 200);
      assert.ok(body.equals(Buffer.from(await read.arrayBuffer())), `${name} at ${peer.ready.listen}`);
    }
  }
  await until('every file in three live copies', async () => {
    for (const name of files.keys())
      if ((await first.json<{ copies: number }>(`${route(name)}/stat`)).copies < 3) return false;
    return true;
  });
  assert.ok((await bytesAt(small)) <= quotaBytes);
  assert.equal((await small.request('/api/v1/files/never%20put')).status, 404);

  // Its pointers to blocks elsewhere survive a restart.
  await small.kill9();
  assert.ok(pointersIn(small.dataFolder) > 0);
  const again = await network.restart(small, { flags: ['--quota', String(quotaBytes)] });
  await until('one ring of four again', () => network.isIdeal([first, again, ...others]), 30_000);
  assert.equal((await again.request('/api/v1/files/never%20put')).status, 404);
  for (const [name, body] of files)
    assert.ok(body.equals(Buffer.from(await (await again.request(route(name))).arrayBuffer())), name);
  await again.kill9();
  assert.ok(pointersIn(again.dataFolder) > 0);
});

test('B12 the first put of a peer may be larger than what a host lends unasked: it asks what the peer gives', async () => {
  await using network = await NetworkFixture.open();
  const flags = ['--quota', '64000000'];
  const first = await network.start({ flags });
  const second = await network.start({ join: first, flags });
  await until('one ring of two', () => network.isIdeal([first, second]), 60_000);
  // More than a sixteenth of the quota, and than an eighth.
  const put = await first.request(route('large'), { method: 'PUT', body: randomBytes(10_000_000) });
  assert.equal(put.status, 201, await put.text());
});

function pointersIn(dataFolder: string): number {
  const catalog = new DatabaseSync(path.join(dataFolder, 'catalog.sqlite'), { readOnly: true });
  try {
    return Number(catalog.prepare('SELECT count(*) AS count FROM pointers').get()?.['count']);
  } finally {
    catalog.close();
  }
}
