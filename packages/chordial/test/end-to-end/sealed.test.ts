/** Real peers: sealed files on the command line, and what their data folders show of them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Decrypter } from 'age-encryption';
import type { FileStat } from '../../src/client/answers.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const name = 'Diary of Wednesday.txt';
const text = `Only for us two. ${'And more of it. '.repeat(200_000)}`;

let network: NetworkFixture;
let peers: PeerProcess[];
before(async () => {
  network = await NetworkFixture.open();
  const first = await network.start({ flags: ['--name', 'anna'] });
  peers = [first];
  for (const called of ['berta', 'carl', 'dora'])
    peers.push(await network.start({ join: first, flags: ['--name', called] }));
  await until('one ring', () => network.isIdeal(peers), 60_000);
});
after(() => network?.[Symbol.asyncDispose]());

const run = (peer: PeerProcess, args: readonly string[], passphrase?: string) =>
  network.command(args, peer, passphrase === undefined ? {} : { input: passphrase });

async function ok(peer: PeerProcess, args: readonly string[], passphrase?: string) {
  const result = await run(peer, args, passphrase);
  assert.equal(result.exit, 0, `${args.join(' ')}: ${result.stderr}`);
  return result;
}

/** Files below the folder that hold one of the words. */
async function holding(folder: string, words: readonly string[]): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const places = files.filter((file) => file.isFile()).map((file) => path.join(file.parentPath, file.name));
  const contents = await Promise.all(places.map((place) => readFile(place).catch(() => Buffer.alloc(0))));
  return places.filter((_, index) => words.some((word) => contents[index]!.includes(word)));
}

test('B15 a sealed file is read by its publisher and one other, and no data folder shows its text or name', async () => {
  const [anna, berta, carl] = peers as [PeerProcess, PeerProcess, PeerProcess];
  const source = path.join(network.folder, name);
  await writeFile(source, text);
  const put = (await ok(anna, ['put', source, '--to', 'berta', '--json'])).json<{ cid: string; sealedName: string }>();
  for (const peer of [anna, berta]) {
    assert.equal((await ok(peer, ['get', name, '-o', '-'])).text, text);
    assert.match((await ok(peer, ['ls', '--all'])).text, /Diary of Wednesday\.txt \(sealed\)/);
    const shown = (await ok(peer, ['stat', name, '--json'])).json<FileStat>();
    assert.deepEqual(
      [shown.sealed?.kinds, shown.sealed?.to, shown.sealed?.isOpen],
      [['X25519'], [anna.ready.id, berta.ready.id], true],
    );
    const target = path.join(network.folder, `of ${peer.ready.id}`);
    await ok(peer, ['get', put.cid, '-o', target]);
    assert.equal(await readFile(target, 'utf8'), text);
    assert.match((await ok(peer, ['get', name, '-o', target])).text, /already there/);
  }
  assert.match((await ok(anna, ['search', 'diary'])).text, /Diary of Wednesday\.txt/);
  assert.doesNotMatch((await run(carl, ['search', 'diary'])).text, /Diary/);
  const range = await berta.request(`/api/v1/files/${encodeURIComponent(name)}`, {
    headers: { Range: 'bytes=1000000-1000019' },
  });
  assert.equal(range.status, 206);
  assert.equal(await range.text(), text.slice(1_000_000, 1_000_020));
  for (const reference of [put.cid, put.sealedName]) {
    const refused = await run(carl, ['get', reference, '-o', '-', '--json']);
    assert.equal(refused.exit, 1);
    assert.match(refused.stderr + refused.text, /"code":"no-key".*X25519/);
  }
  assert.equal((await run(carl, ['get', name, '-o', '-'])).exit, 3);
  // The network still reads like the disks do.
  for (const peer of peers)
    assert.deepEqual(await holding(peer.dataFolder, ['Wednesday', 'Diary', 'Only for us']), [], peer.dataFolder);

  // Stock age opens what is stored, with the exported key.
  const [raw, key] = [path.join(network.folder, 'raw.age'), path.join(network.folder, 'key.txt')];
  await ok(carl, ['get', put.sealedName, '--raw', '-o', raw]);
  await ok(berta, ['key', 'export', '--plain', '-o', key]);
  assert.equal((await stat(key)).mode & 0o777, 0o600);
  const decrypter = new Decrypter();
  decrypter.addIdentity(/AGE-SECRET-KEY-1\w+/.exec(await readFile(key, 'utf8'))![0]);
  assert.equal(await decrypter.decrypt(await readFile(raw), 'text'), text);
  // And another peer that imports it.
  await ok(carl, ['key', 'import', key]);
  assert.equal((await ok(carl, ['get', name, '-o', '-'])).text, text);
  await ok(anna, ['rm', name]);
  assert.equal((await run(berta, ['get', name, '-o', '-'])).exit, 3);
});

test('B15 a passphrase opens a file anywhere, and exported keys need theirs', async () => {
  const [anna, berta, , dora] = peers as [PeerProcess, PeerProcess, PeerProcess, PeerProcess];
  const source = path.join(network.folder, 'Treasure map.txt');
  await writeFile(source, 'Dig here.');
  const put = (await ok(anna, ['put', source, '--passphrase', '--json'], 'under the oak')).json<{
    sealedName: string;
  }>();
  const get = ['get', put.sealedName, '--passphrase', '-o', '-', '--json'];
  assert.equal((await ok(dora, get, 'under the oak')).text, 'Dig here.');
  assert.match((await run(dora, get, 'under the elm')).stderr, /"no-key".*does not open/);
  assert.match((await run(dora, ['get', put.sealedName, '-o', '-'])).stderr, /sealed with a passphrase/);
  assert.match((await ok(anna, ['ls'])).text, /Treasure map\.txt/);
  const key = path.join(network.folder, 'dora.age');
  await ok(dora, ['key', 'export', '-o', key], 'correct horse');
  assert.match((await run(berta, ['key', 'import', key], 'wrong horse')).stderr, /does not open/);
  await ok(berta, ['key', 'import', key], 'correct horse');
  assert.equal((await ok(berta, ['key', 'show'])).text, (await ok(dora, ['key', 'show'])).text);
  assert.equal((await run(dora, ['key', 'export', '-o', key], 'x')).exit, 1);
});

test('B15 a put that a kill -9 of its peer interrupts goes on with its key', async () => {
  const dora = peers[3]!;
  const source = path.join(network.folder, 'Long film.mkv');
  await writeFile(source, randomBytes(24_000_000));
  await dora.kill9();
  const slow = await network.restart(dora, { flags: ['--limit', '4M', '--limit-lan', 'yes'] });
  const cut = network.command(['put', source, '--sealed'], slow);
  interface Transfers {
    readonly transfers: readonly { readonly id: string; readonly state: string; readonly bytesDone: number }[];
  }
  const transfer = async (peer: PeerProcess) => (await peer.json<Transfers>('/api/v1/transfers')).transfers.at(-1);
  await until('some of it is sent', async () => ((await transfer(slow))?.bytesDone ?? 0) > 8_000_000, 60_000);
  const { id } = (await transfer(slow))!;
  await slow.kill9();
  assert.equal((await cut).exit, 1);
  const again = await network.restart(dora);
  peers[3] = again;
  await ok(again, ['put', source, '--sealed']);
  assert.equal((await transfer(again))?.id, id);
  const target = path.join(network.folder, 'film');
  await ok(again, ['get', 'Long film.mkv', '-o', target]);
  assert.ok((await readFile(target)).equals(await readFile(source)));
  for (const peer of peers) assert.deepEqual(await holding(peer.dataFolder, ['Long film']), []);
});
