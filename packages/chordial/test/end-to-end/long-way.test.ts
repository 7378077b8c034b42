/** Peers behind a slow path: a put crosses the putter's link once, for any number of copies. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { SlowPath } from '../fixtures/slow-path.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const mebibyte = 1024 * 1024;
const farAway = { roundTripMilliseconds: 60, bytesPerSecond: 100e6 };
const holders = 3;

test('B4 three copies over a long way cost the link of who puts them little more than one', async () => {
  await using stack = new AsyncDisposableStack();
  const ports: number[] = [];
  const ways: SlowPath[] = [];
  for (let index = 0; index < holders; index++) {
    // They end after the peers, and refuse until their peer is up.
    ways.push(stack.use(await SlowPath.open(() => ports[index] ?? null, farAway)));
  }
  const network = stack.use(await NetworkFixture.open());
  const known = `127.0.0.1:${ways[0]!.port}`;
  const ring: PeerProcess[] = [];
  for (const [index, way] of ways.entries()) {
    const join = index === 0 ? {} : { join: known };
    const peer = await network.start({ ...join, flags: ['--advertise', `127.0.0.1:${way.port}`] });
    ports.push(Number(peer.ready.listen.split(':').at(-1)));
    ring.push(peer);
  }
  await until('one ring', () => network.isIdeal(ring));
  const client = await network.start({ join: known, flags: ['--quota', '0'] });
  const file = path.join(network.folder, 'file');
  const put = async (name: string): Promise<void> => {
    const { exit, stderr } = await network.command(
      ['put', file, '--name', name, '--replicas', String(holders)],
      client,
    );
    assert.equal(exit, 0, stderr);
  };
  const bytes = 24 * mebibyte;
  // The first blocks measure the delay.
  await writeFile(file, randomBytes(6 * mebibyte));
  await put('before');

  const before = await sentBytes(client);
  const content = randomBytes(bytes);
  await writeFile(file, content);
  await put('file');
  const sent = (await sentBytes(client)) - before;
  assert.ok(sent >= bytes && sent < 2 * bytes, `${sent} bytes left for ${bytes} in ${holders} copies`);
  const { copies } = await ring[0]!.json<{ copies: number }>('/api/v1/files/file/stat');
  assert.equal(copies, holders);
  const got = path.join(network.folder, 'got');
  assert.equal((await network.command(['get', 'file', '-o', got], client)).exit, 0);
  assert.ok(content.equals(await readFile(got)));
});

async function sentBytes(peer: PeerProcess): Promise<number> {
  const text = await (await peer.request('/metrics')).text();
  const found = /^chordial_sent_bytes_total (\d+)/m.exec(text);
  assert.ok(found, text);
  return Number(found[1]);
}
