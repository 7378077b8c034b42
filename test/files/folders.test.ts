import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { encodeDirectoryNode } from '../../src/content/unixfs.ts';
import { ChordialError } from '../../src/errors.ts';
import { dataNetwork } from '../fixtures/data-network.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chordial-folders-'));
});
after(() => rm(folder, { recursive: true, force: true }));
const code = (wanted: string) => (error: unknown) => error instanceof ChordialError && error.code === wanted;

async function sample(name: string): Promise<{ path: string; files: ReadonlyMap<string, Buffer> }> {
  const path = join(folder, name);
  const files = new Map([
    ['empty', Buffer.alloc(0)],
    ['small', randomBytes(100)],
    ['sub/large', randomBytes(2_300_000)],
    ['sub/deeper/ünïcode ✓', randomBytes(10)],
  ]);
  await mkdir(join(path, 'sub/deeper'), { recursive: true });
  await mkdir(join(path, 'nothing in it'));
  for (const [file, bytes] of files) await writeFile(join(path, file), bytes);
  await writeFile(join(path, '.hidden'), 'not put');
  await symlink('/etc/passwd', join(path, 'link'));
  return { path, files };
}

test('A6 A7 a folder is put under one name and recreated, without hidden entries and links', async () => {
  const { peers, close } = await dataNetwork(4);
  const { path, files } = await sample('source');
  const put = await peers[0]!.files.putPath('a folder', path);
  assert.equal(put.copies, 3);
  assert.equal(
    put.size,
    [...files.values()].reduce((sum, { length }) => sum + length, 0),
  );
  const target = join(folder, 'target');
  const got = await peers[3]!.files.getPath({ name: 'a folder' }, target);
  assert.equal(got.type, 'directory');
  for (const [file, bytes] of files) assert.ok(bytes.equals(await readFile(join(target, file))), file);
  assert.deepEqual((await readdir(target)).sort(), ['empty', 'nothing in it', 'small', 'sub']);
  await assert.rejects(lstat(`${target}.part`));
  const paths: string[] = [];
  for await (const entry of peers[1]!.files.walk(put.cid)) paths.push(`${entry.type} ${entry.path}`);
  assert.ok(paths.includes('directory sub/deeper') && paths.includes('file sub/large'));
  assert.equal((await peers[2]!.files.getPath({ name: 'a folder' }, target)).unchanged, true);
  await writeFile(join(target, 'small'), 'changed');
  await assert.rejects(peers[2]!.files.getPath({ name: 'a folder' }, target), code('already-exists'));
  assert.equal(await readFile(join(target, 'small'), 'utf8'), 'changed');
  await peers[2]!.files.getPath({ name: 'a folder' }, target, { force: true });
  assert.ok(files.get('small')!.equals(await readFile(join(target, 'small'))));
  await close();
});

test('A7 a folder may hold X beside X.part, and names as long as names can be', async () => {
  const { peers, close } = await dataNetwork(3);
  const path = join(folder, 'awkward');
  const files = new Map(['x', 'x.part', 'x.part.part', 'y'.repeat(255)].map((name) => [name, randomBytes(1_200_000)]));
  await mkdir(path);
  for (const [name, bytes] of files) await writeFile(join(path, name), bytes);
  await peers[0]!.files.putPath('awkward', path);
  const target = join(folder, 'awkward again');
  await peers[1]!.files.getPath({ name: 'awkward' }, target);
  assert.deepEqual((await readdir(target)).sort(), [...files.keys()].sort());
  for (const [name, bytes] of files) assert.ok(bytes.equals(await readFile(join(target, name))), name);
  await close();
});

test('A7 a folder is never written through a link, nor outside its target', async () => {
  const { peers, close } = await dataNetwork(3);
  const { path } = await sample('innocent');
  await peers[0]!.files.putPath('innocent', path);
  const outside = join(folder, 'outside');
  const target = join(folder, 'trap');
  await mkdir(outside);
  await mkdir(target);
  await symlink(outside, join(target, 'sub'));
  await assert.rejects(peers[1]!.files.getPath({ name: 'innocent' }, target), code('outside-target'));
  assert.deepEqual(await readdir(outside), []);
  const bytes = Buffer.from('evil');
  const leaf = { cid: cidOfBlock(rawCodec, bytes), bytes };
  for (const [index, name] of ['..', '../evil', '/evil', 'a/../../evil'].entries()) {
    const node = encodeDirectoryNode([{ name, cid: leaf.cid, size: bytes.length }]);
    for (const peer of peers) await peer.blocks.put([leaf, node]);
    const place = join(folder, `hostile ${index}`);
    await assert.rejects(peers[1]!.files.getPath({ cid: node.cid.toString() }, place), code('bad-content'));
  }
  await assert.rejects(lstat(join(folder, 'evil')));
  await close();
});

test('A22 an unreadable or vanished file is an error that names it, and nothing is published', async () => {
  const { peers, close } = await dataNetwork(3);
  const missing = join(folder, 'missing');
  await assert.rejects(
    peers[0]!.files.putPath('x', missing),
    (error) => code('unreadable-file')(error) && String(error).includes(missing),
  );
  await assert.rejects(peers[0]!.files.putPath('x', '/dev/null'), code('unreadable-file'));
  await assert.rejects(peers[0]!.files.putPath('a/b', missing), code('bad-name'));
  await assert.rejects(peers[0]!.files.getPath({ name: 'x' }, join(folder, 'x')), code('not-found'));
  await close();
});

test('A22 a get into a folder that is not there, or over a folder, is refused with a reason', async () => {
  const { peers, close } = await dataNetwork(3);
  await peers[0]!.files.putPath('small', (await sample('again')).path);
  await peers[0]!.files.put(
    'file',
    (async function* () {
      yield Buffer.from('x');
    })(),
  );
  await assert.rejects(peers[0]!.files.getPath({ name: 'file' }, join(folder, 'no', 'where')), code('unwritable-file'));
  await mkdir(join(folder, 'a folder here'));
  await assert.rejects(
    peers[0]!.files.getPath({ name: 'file' }, join(folder, 'a folder here')),
    code('already-exists'),
  );
  await symlink(join(folder, 'elsewhere'), join(folder, 'linked.part'));
  await assert.rejects(peers[0]!.files.getPath({ name: 'file' }, join(folder, 'linked')), code('unwritable-file'));
  await assert.rejects(lstat(join(folder, 'elsewhere')));
  await close();
});
