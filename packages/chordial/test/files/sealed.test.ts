import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Decrypter } from 'age-encryption';
import { FolderHandle } from '../../src/storage/folder-handle.ts';
import type { FileEntry } from '../../src/transfer/files.ts';
import { isSealedName } from '../../src/transfer/own-keys.ts';
import { PartFile } from '../../src/transfer/part-file.ts';
import { TransferQueue } from '../../src/transfer/transfer-queue.ts';
import { isError } from '../contracts/errors.ts';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';
import { markedFile } from '../fixtures/marked.ts';
import { until } from '../fixtures/until.ts';

const name = 'Diary of Wednesday.txt';
const mib = 1024 * 1024;
let folder: string;
let network: Awaited<ReturnType<typeof dataNetwork>>;
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'chordial-sealed-')));
  network = await dataNetwork(4);
});
after(async () => {
  await network.close();
  await rm(folder, { recursive: true, force: true });
});

async function read(peer: DataPeer, entry: FileEntry, range?: { start: number; end: number }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of peer.files.readEntry(entry, range === undefined ? {} : { range }))
    parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

async function* once(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Everything that a peer keeps on its disk. */
async function kept({ catalog, blocks, records }: DataPeer): Promise<Buffer> {
  const tables = catalog.database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const rows = tables.flatMap((table) => catalog.database.prepare(`SELECT * FROM ${String(table['name'])}`).all());
  const values = rows.flatMap((row) => Object.values(row));
  const texts = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))));
  assert.ok(texts.length > 0 && blocks !== undefined && records !== undefined);
  return Buffer.concat(texts);
}

test('B15 a sealed file is opened by its name where a key fits, and no disk shows its text or name', async () => {
  const [own, friend, other] = network.peers as [DataPeer, DataPeer, DataPeer];
  for (const peer of network.peers) peer.begin();
  const text = `No one else is to read this. ${'And this. '.repeat(20_000)}`;
  const put = await own.files.put(name, once(text), { sealed: { to: [await friend.seals.keys.recipient()] } });
  assert.ok(isSealedName(put.sealedName ?? ''));
  assert.deepEqual([put.name, put.size], [name, text.length]);
  for (const peer of [own, friend]) {
    const entry = await peer.files.resolve({ name });
    assert.deepEqual([entry.name, entry.size, entry.sealed?.isOpen], [name, text.length, true]);
    assert.equal((await read(peer, entry)).toString(), text);
    assert.equal((await read(peer, entry, { start: 70_000, end: 70_020 })).toString(), text.slice(70_000, 70_020));
    const { files } = await peer.files.list({ all: true, cursor: null, limit: 100 });
    assert.ok(files.some((file) => file.name === name && file.sealed?.name === put.sealedName));
  }
  assert.equal((await own.files.list({ all: false, cursor: null, limit: 100 })).files[0]?.name, name);
  const stats = await friend.files.stat({ name });
  assert.deepEqual([stats.copies, stats.sealed?.kinds], [3, ['X25519']]);
  assert.deepEqual(stats.sealed?.to, [own.identity.host, await friend.seals.keys.recipient()]);
  // Others see that it is there, and nothing of what it is.
  await assert.rejects(other.files.resolve({ name }), isError('not-found'));
  const shut = await other.files.resolve({ name: put.sealedName! });
  assert.deepEqual([shut.name, shut.sealed?.isOpen, shut.sha256 === null], [put.sealedName, false, false]);
  await assert.rejects(read(other, shut), isError('no-key', /X25519/));
  for (const peer of network.peers) {
    const disk = await kept(peer);
    for (const word of ['Wednesday', 'Diary', 'No one else']) assert.equal(disk.includes(word), false, word);
  }
  // What is stored is a file of age.
  const parts: Uint8Array[] = [];
  for await (const part of other.files.read(put.cid)) parts.push(Uint8Array.from(part));
  const decrypter = new Decrypter();
  decrypter.addIdentity((await friend.seals.keys.identities())[0]!);
  assert.equal(Buffer.from(await decrypter.decrypt(Buffer.concat(parts))).toString(), text);
  // Its file key opens it for anybody.
  const key = await friend.files.fileKey(await friend.files.resolve({ name }));
  assert.equal(key.length, 16);
  await own.files.remove(name);
  await assert.rejects(own.files.resolve({ name }), isError('not-found'));
});

test('B15 a name refers to what was put last under it, sealed or not', async () => {
  const [own] = network.peers as [DataPeer];
  for (const [text, sealed] of [
    ['plain', null],
    ['sealed', {}],
    ['sealed again', {}],
    ['plain again', null],
  ] as const) {
    await own.files.put('name', once(text), { sealed });
    const entry = await own.files.resolve({ name: 'name' });
    assert.equal((await read(own, entry)).toString(), text);
    const { files } = await own.files.list({ all: false, cursor: null, limit: 100 });
    assert.deepEqual(
      files.map((file) => [file.name, file.sealed?.isOpen ?? false]),
      [['name', sealed !== null]],
    );
  }
  await own.files.remove('name');
});

test('B15 the recipient of a peer is asked of that peer, and one that does not answer seals nothing', async () => {
  const [own, friend] = network.peers as [DataPeer, DataPeer];
  await own.files.put('for a friend', once('text'), { sealed: { to: [friend.identity.host] } });
  const entry = await friend.files.resolve({ name: 'for a friend', publisher: own.identity.host });
  assert.equal((await read(friend, entry)).toString(), 'text');
  assert.deepEqual(entry.sealed?.to, [own.identity.host, friend.identity.host]);
  await assert.rejects(
    own.files.put('x', once('x'), { sealed: { to: ['stranger'] } }),
    isError('not-found', /stranger/),
  );
  await assert.rejects(own.files.put('x', once('x'), { sealed: { to: ['age1xyz'] } }), isError('bad-request'));
  await own.files.remove('for a friend');
});

test('B15 a get to a path resumes what is right of its part file, and knows the file again', async () => {
  const [own, friend] = network.peers as [DataPeer, DataPeer];
  const content = randomBytes(4 * mib + 12_345);
  const source = join(folder, 'source');
  await writeFile(source, content);
  const to = [await friend.seals.keys.recipient()];
  await own.files.putPath('large', source, { sealed: { to } });
  const target = join(folder, 'target');
  const seen: number[] = [];
  const progress = ({ bytesDone }: { readonly bytesDone: number }) => void seen.push(bytesDone);
  await using handle = await FolderHandle.open(folder);
  const part = await PartFile.open(handle, 'target', { size: content.length });
  // One changed byte at the end of the third mebibyte.
  const before = Uint8Array.from(content.subarray(0, 3 * mib));
  before[3 * mib - 1]! ^= 1;
  await part.write(before, 0);
  await part.close();
  const got = await friend.files.getPath({ name: 'large' }, target, { progress });
  assert.equal(got.unchanged, false);
  assert.ok(content.equals(await readFile(target)));
  assert.equal(seen[0], mib);
  assert.equal((await stat(target)).mtimeMs, Math.floor((await stat(source)).mtimeMs));
  assert.equal((await friend.files.getPath({ name: 'large' }, target)).unchanged, true);
  await truncate(target, 100);
  await assert.rejects(friend.files.getPath({ name: 'large' }, target), isError('already-exists'));
  await friend.files.getPath({ name: 'large' }, target, { force: true });
  assert.ok(content.equals(await readFile(target)));
  await own.files.remove('large');
});

/** Keys of all blocks that the network has. */
async function stored(): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const { blocks } of network.peers)
    for (const { key } of (await blocks.keys('all', null, 1000)).items) found.add(key);
  return found;
}

for (const isChanged of [false, true]) {
  const what = isChanged ? 'begins again with another key for a file that was changed' : 'goes on with its key';
  test(`B15 an interrupted put ${what}`, async () => {
    const [own] = network.peers as [DataPeer];
    const source = join(folder, 'interrupted');
    const content = randomBytes(8 * mib + 5);
    await writeFile(source, content);
    const settings = own.seals.keys.sealedSettings(own.catalog);
    const before = await stored();
    let end: Promise<void> | null = null;
    const files = {
      ...own.files,
      putPath: (...[as, place, options]: Parameters<typeof own.files.putPath>) =>
        own.files.putPath(as, place, {
          ...options,
          progress: ({ bytesDone }) => {
            if (bytesDone >= 5 * mib) end ??= first.close();
          },
        }),
    };
    const first = new TransferQueue(files, settings, own.clock);
    first.begin();
    const request = { kind: 'put', reference: { name: 'cut' }, sealed: {}, ...(await markedFile(source)) } as const;
    const { id } = await first.start(request);
    while (end === null) await new Promise(setImmediate);
    await end;
    assert.equal(first.get(id)?.state, 'running');
    const half = [...(await stored())].filter((cid) => !before.has(cid));
    assert.ok(half.length >= 3, String(half.length));
    const changed = Uint8Array.from(content);
    changed[0]! ^= 1;
    if (isChanged) await writeFile(source, changed);
    const second = new TransferQueue(own.files, settings, own.clock);
    // The same command again.
    assert.equal((await second.start(request)).id, id);
    second.begin();
    const { state, result, error } = await second.wait(id);
    assert.equal(state, 'done', error?.message);
    const entry = await own.files.resolve({ name: 'cut' });
    assert.ok((await read(own, entry)).equals(isChanged ? changed : content));
    const all = [...(await stored())].filter((cid) => !before.has(cid));
    // Nine leaves and their root, and those of the first attempt where they do not count.
    assert.equal(all.length, isChanged ? 10 + half.length : 10, `${half.length} before`);
    assert.equal((result as { size: number }).size, content.length);
    // Its end is told before it is on the disk.
    const isKeyKept = () => JSON.stringify(settings.settings('transfers/')).includes('fileKey');
    await until('its key is forgotten', async () => !isKeyKept());
    await second.close();
    await own.files.remove('cut');
  });
}
