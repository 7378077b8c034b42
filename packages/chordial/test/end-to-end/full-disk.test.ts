import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { StorageListing } from '../../src/peer/peer.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const mebibyte = 1024 * 1024;
const put = (peer: PeerProcess, name: string, body: Uint8Array<ArrayBuffer>) =>
  peer.request(`/api/v1/files/${name}`, { method: 'PUT', body });

test('A22 a quota that is used up refuses the file, publishes nothing and keeps serving', async () => {
  await using network = await NetworkFixture.open();
  await refusesWhatDoesNotFit(await network.start({ flags: ['--quota', '8M'] }), /quota/);
});

test('A22 a full disk, where one can be mounted, refuses the file, publishes nothing and keeps serving', async (t) => {
  await using network = await NetworkFixture.open();
  const place = path.join(network.folder, 'small-disk');
  await mkdir(place);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'tmpfs', place], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    // The quota tests the same code except for ENOSPC.
    t.diagnostic(`no small disk can be mounted here, so none was filled: ${mounted.stderr ?? mounted.error?.message}`);
    return;
  }
  try {
    const peer = await network.start({ data: 'small-disk/data', flags: ['--quota', '1G'] });
    await refusesWhatDoesNotFit(peer, /disk/);
    await peer.kill9();
  } finally {
    spawnSync('umount', ['--lazy', place]);
  }
});

test('rough: kubo#5141 with the disk of its data full a peer still fetches large files to another disk', async (t) => {
  await using network = await NetworkFixture.open();
  const place = path.join(network.folder, 'small-disk');
  await mkdir(place);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', place], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    t.diagnostic(`no small disk can be mounted here, so none was filled: ${mounted.stderr ?? mounted.error?.message}`);
    return;
  }
  try {
    const [first] = await network.startRing(1);
    const bytes = randomBytes(6 * mebibyte);
    assert.equal((await put(first!, 'large', bytes)).status, 201);
    const full = await network.start({ data: 'small-disk/data', join: first!, flags: ['--quota', '0'] });
    await writeFile(path.join(place, 'filler'), randomBytes(24 * mebibyte)).catch(() => undefined);
    const got = await network.command(['get', 'large', '-o', 'fetched'], full);
    assert.equal(got.exit, 0, got.stderr);
    assert.ok(bytes.equals(await readFile(path.join(network.folder, 'fetched'))));
    await full.kill9();
  } finally {
    spawnSync('umount', ['--lazy', place]);
  }
});

test('M2 a get that would leave less than 5 % of a disk is refused before it is written, streamed or not', async (t) => {
  await using network = await NetworkFixture.open();
  const place = path.join(network.folder, 'small-disk');
  await mkdir(place);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'tmpfs', place], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    t.diagnostic(`no small disk can be mounted here: ${mounted.stderr ?? mounted.error?.message}`);
    return;
  }
  try {
    const peer = await network.start();
    const token = (await readFile(path.join(peer.dataFolder, 'api-token'), 'utf8')).trim();
    const sizes = { 'too large': 10 * mebibyte, 'too close': 9.8 * mebibyte, fits: 3 * mebibyte };
    for (const [name, bytes] of Object.entries(sizes)) {
      assert.equal((await put(peer, encodeURIComponent(name), randomBytes(bytes))).status, 201);
      // The key of the peer lies elsewhere: streamed.
      for (const elsewhere of [{}, { XDG_RUNTIME_DIR: network.folder, CHORDIAL_API_TOKEN: token }]) {
        const { XDG_RUNTIME_DIR: _, ...own } = process.env;
        const environment = { ...own, HOME: path.join(network.folder, 'home'), ...elsewhere };
        const got = await network.command(['get', name, '-o', path.join(place, name), '--force', '--json'], peer, {
          environment,
        });
        assert.equal(got.exit, name === 'fits' ? 0 : 1, got.stderr);
        if (name !== 'fits') assert.match(got.stderr, /"disk-full"/);
      }
    }
    assert.deepEqual(await readdir(place), ['fits']);
  } finally {
    spawnSync('umount', ['--lazy', place]);
  }
});

async function refusesWhatDoesNotFit(peer: PeerProcess, place: RegExp): Promise<void> {
  const fits = randomBytes(2 * mebibyte);
  assert.equal((await put(peer, 'fits', fits)).status, 201);
  const refused = await put(peer, 'too-much', randomBytes(32 * mebibyte));
  const problem = (await refused.json()) as { code: string; detail: string };
  assert.ok(refused.status === 507 || problem.code === 'too-few-copies', `${refused.status} ${problem.detail}`);
  assert.match(problem.detail, place);
  assert.equal((await peer.request('/api/v1/files/too-much')).status, 404);
  const read = await (await peer.request('/api/v1/files/fits')).arrayBuffer();
  assert.ok(fits.equals(Buffer.from(read)));
  assert.equal((await peer.request('/readyz')).status, 200);
  const { names } = await peer.json<StorageListing>('/api/v1/storage');
  assert.deepEqual(
    names.map(({ name }) => name),
    ['fits'],
  );
}
