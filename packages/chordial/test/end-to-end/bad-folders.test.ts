import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { NetworkFixture } from './network-fixture.ts';
import { refusedStart } from './refusal.ts';

test('A22 a data folder has one peer: a second start names its process, and after kill -9 it is free', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start({ data: 'one' });
  const second = await refusedStart(network, ['--data', peer.dataFolder]);
  assert.deepEqual([second.exit, second.code], [1, 'data-folder-in-use']);
  assert.ok(second.message.includes(`process ${peer.pid}`) && second.message.includes('--data'), second.message);
  assert.equal((await peer.request('/readyz')).status, 200);
  await peer.kill9();
  const again = await network.restart(peer);
  assert.deepEqual([again.ready.id, again.ready.network], [peer.ready.id, peer.ready.network]);
});

test('A22 a data folder that is a file, somebody else’s, or where no folder can be made, is left as it is', async () => {
  await using network = await NetworkFixture.open();
  const file = path.join(network.folder, 'file');
  await writeFile(file, 'mine');
  const album = path.join(network.folder, 'album');
  await mkdir(album);
  await writeFile(path.join(album, 'photo.jpg'), 'mine');
  for (const [folder, reason] of [
    [file, /is a file and not a folder. Choose another with --data/],
    [path.join(file, 'below'), /is a file and not a folder. Choose another with --data/],
    [album, /holds "photo.jpg".*Choose an empty or a new folder/],
    ['/proc/chordial/data', /The data folder \/proc\/chordial\/data cannot be used: .*choose another with --data/],
  ] as const) {
    const { exit, code, message } = await refusedStart(network, ['--data', folder]);
    assert.deepEqual([exit, code], [1, 'broken-data-folder'], message);
    assert.match(message, reason);
  }
  assert.equal(await readFile(file, 'utf8'), 'mine');
  assert.deepEqual(await readdir(album), ['photo.jpg']);
});

test('A22 a broken key, genesis, admission or catalog is named with the remedy and not replaced', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start({ data: 'whole' });
  await peer.stop();
  for (const [name, damage, reason] of [
    ['identity.pem', cutInHalf, /identity\.pem cannot be used: .*Put the file back from a copy, or remove it/],
    ['identity.pem', garbage, /identity\.pem cannot be used: .*Put the file back from a copy, or remove it/],
    ['genesis.cbor', cutInHalf, /genesis\.cbor cannot be used: .*copy it from another peer/],
    ['genesis.cbor', garbage, /genesis\.cbor cannot be used: .*copy it from another peer/],
    ['admission.cbor', garbage, /admission.cbor cannot be used: .*remove it/],
    ['catalog.sqlite', garbage, /catalog\.sqlite/],
    ['format', garbage, /"format" cannot be read: .*choose another folder/],
  ] as const) {
    const file = path.join(peer.dataFolder, name);
    const before = await readFile(file);
    await damage(file);
    const damaged = await readFile(file);
    const { exit, code, message } = await refusedStart(network, ['--data', peer.dataFolder]);
    assert.deepEqual([exit, code], [1, 'broken-data-folder'], `${name}: ${message}`);
    assert.match(message, reason);
    assert.ok(damaged.equals(await readFile(file)), `${name} was changed`);
    await writeFile(file, before);
  }
  const again = await network.restart(peer);
  assert.deepEqual([again.ready.id, again.ready.network], [peer.ready.id, peer.ready.network]);
});

async function cutInHalf(file: string): Promise<void> {
  await truncate(file, Math.floor((await readFile(file)).length / 2));
}

async function garbage(file: string): Promise<void> {
  await writeFile(file, Buffer.alloc(8192, 'not what should be here '));
}
