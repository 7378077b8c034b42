import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { encodeDirectoryNode } from '../../src/content/unixfs.ts';
import { ChordialError } from '../../src/errors.ts';
import { FolderHandle } from '../../src/storage/folder-handle.ts';
import type { FileReference, PutResult } from '../../src/transfer/files.ts';
import { readAttributeList } from '../../src/transfer/folder-attributes.ts';
import { decodeFolder, encodeFolder } from '../../src/transfer/folder-stream.ts';
import { getFolder } from '../../src/transfer/get-folder.ts';
import { type LeftOut, localFolder } from '../../src/transfer/local-folder.ts';
import { partName } from '../../src/transfer/part-file.ts';
import { type DataPeer, dataNetwork } from '../fixtures/data-network.ts';

let folder: string;
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'chordial-folders-')));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Like the command line, through its stream. */
function putFolder(
  peer: DataPeer,
  name: string,
  path: string,
  leftOut: (one: LeftOut) => void = () => undefined,
): Promise<PutResult> {
  return peer.files.putFolder(name, decodeFolder(encodeFolder(localFolder(path, leftOut))));
}

/** Like the command line; the peer writes each file. */
async function fetchFolder(
  { files }: DataPeer,
  reference: FileReference,
  target: string,
  force = false,
): Promise<boolean> {
  const { cid, size } = await files.resolve(reference);
  await using above = await FolderHandle.open(folder);
  const source = {
    size: reference.cid === undefined ? size : null,
    entries: files.walk(cid),
    fetch: async (entry: { readonly cid: string }, within: FolderHandle, base: string) =>
      (await files.getPath({ cid: entry.cid }, join(within.path, base), { force })).unchanged,
  };
  return await getFolder(source, above, basename(target));
}

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
  const put = await putFolder(peers[0]!, 'a folder', path);
  assert.equal(put.copies, 3);
  assert.equal(
    put.size,
    [...files.values()].reduce((sum, { length }) => sum + length, 0),
  );
  const target = join(folder, 'target');
  assert.equal(await fetchFolder(peers[3]!, { name: 'a folder' }, target), false);
  for (const [file, bytes] of files) assert.ok(bytes.equals(await readFile(join(target, file))), file);
  assert.deepEqual((await readdir(target)).sort(), ['empty', 'nothing in it', 'small', 'sub']);
  await assert.rejects(lstat(join(folder, partName('target'))));
  const paths: string[] = [];
  for await (const entry of peers[1]!.files.walk(put.cid)) paths.push(`${entry.type} ${entry.path}`);
  assert.ok(paths.includes('directory sub/deeper') && paths.includes('file sub/large'));
  assert.equal(await fetchFolder(peers[2]!, { name: 'a folder' }, target), true);
  await writeFile(join(target, 'small'), 'changed');
  await assert.rejects(fetchFolder(peers[2]!, { name: 'a folder' }, target), code('already-exists'));
  assert.equal(await readFile(join(target, 'small'), 'utf8'), 'changed');
  await fetchFolder(peers[2]!, { name: 'a folder' }, target, true);
  assert.ok(files.get('small')!.equals(await readFile(join(target, 'small'))));
  await close();
});

test('A7 a folder may hold X beside X.part, and names of maximum length', async () => {
  const { peers, close } = await dataNetwork(3);
  const path = join(folder, 'awkward');
  const files = new Map(['x', 'x.part', 'x.part.part', 'y'.repeat(255)].map((name) => [name, randomBytes(1_200_000)]));
  await mkdir(path);
  for (const [name, bytes] of files) await writeFile(join(path, name), bytes);
  await putFolder(peers[0]!, 'awkward', path);
  const target = join(folder, 'awkward again');
  await fetchFolder(peers[1]!, { name: 'awkward' }, target);
  assert.deepEqual((await readdir(target)).sort(), [...files.keys()].sort());
  for (const [name, bytes] of files) assert.ok(bytes.equals(await readFile(join(target, name))), name);
  await close();
});

test('A7 a folder is never written through a link, nor outside its target', async () => {
  const { peers, close } = await dataNetwork(3);
  const { path } = await sample('innocent');
  await putFolder(peers[0]!, 'innocent', path);
  const outside = join(folder, 'outside');
  const target = join(folder, 'trap');
  await mkdir(outside);
  await mkdir(target);
  await symlink(outside, join(target, 'sub'));
  await assert.rejects(fetchFolder(peers[1]!, { name: 'innocent' }, target), code('outside-target'));
  assert.deepEqual(await readdir(outside), []);
  const bytes = Buffer.from('evil');
  const leaf = { cid: cidOfBlock(rawCodec, bytes), bytes };
  for (const [index, name] of ['..', '../evil', '/evil', 'a/../../evil'].entries()) {
    const node = encodeDirectoryNode([{ name, cid: leaf.cid, size: bytes.length }]);
    for (const peer of peers) await peer.blocks.put([leaf, node]);
    const place = join(folder, `hostile ${index}`);
    await assert.rejects(fetchFolder(peers[1]!, { cid: node.cid.toString() }, place), code('bad-content'));
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

test('A22 a get into an absent folder, or over a folder, is refused with a reason', async () => {
  const { peers, close } = await dataNetwork(3);
  await putFolder(peers[0]!, 'small', (await sample('again')).path);
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
  await symlink(join(folder, 'elsewhere'), join(folder, partName('linked')));
  await assert.rejects(peers[0]!.files.getPath({ name: 'file' }, join(folder, 'linked')), code('unwritable-file'));
  await assert.rejects(lstat(join(folder, 'elsewhere')));
  await close();
});

test('case 3 case 6 case 11 entries of a folder that cannot be put are reported and skipped', async () => {
  const { peers, close } = await dataNetwork(3);
  const path = join(folder, 'mixed');
  await mkdir(join(path, 'deep', 'data'), { recursive: true });
  await writeFile(join(path, 'deep', 'data', 'format'), 'chordial data folder 1\n');
  await writeFile(join(path, 'deep', 'data', 'identity.pem'), 'private');
  for (const name of ['a', 'grows', 'vanishes', 'z']) await writeFile(join(path, name), randomBytes(600_000));
  await writeFile(Buffer.concat([Buffer.from(`${path}/deep/caf`), Buffer.from([0xe9])]), 'latin');
  const leftOut: LeftOut[] = [];
  const items = (async function* () {
    for await (const item of localFolder(path, (one) => leftOut.push(one))) {
      if (item.path === 'deep') await rm(join(path, 'vanishes'));
      if (item.path === 'grows') await appendFile(join(path, 'grows'), 'more');
      yield item;
    }
  })();
  const { cid } = await peers[0]!.files.putFolder('mixed', decodeFolder(encodeFolder(items)));
  const paths: string[] = [];
  for await (const entry of peers[1]!.files.walk(cid)) paths.push(entry.path);
  assert.deepEqual(paths.sort(), ['a', 'deep', 'z']);
  assert.deepEqual(leftOut.map(({ path: of, isNever }) => [of, isNever]).sort(), [
    ['deep/caf\\xe9', false],
    ['deep/data', true],
    ['grows', false],
    ['vanishes', false],
  ]);
  await close();
});

test('case 6 a file that is modified, truncated, extended or replaced during its put is not published', async () => {
  const { peers, close } = await dataNetwork(3);
  const path = join(folder, 'changing');
  const changes: Readonly<Record<string, (bytes: Buffer) => void>> = {
    'written to at both ends, with its time put back': (bytes) => {
      const { atime, mtime } = statSync(path);
      writeFileSync(path, Buffer.concat([bytes.subarray(0, -4096), Buffer.alloc(4096)]), { flag: 'r+' });
      utimesSync(path, atime, mtime);
    },
    cut: () => truncateSync(path, 10),
    'appended to': () => appendFileSync(path, 'x'),
    replaced: () => {
      rmSync(path);
      writeFileSync(path, 'another');
    },
    removed: () => rmSync(path),
  };
  for (const [how, change] of Object.entries(changes)) {
    const bytes = randomBytes(5_000_000);
    await writeFile(path, bytes);
    let isChanged = false;
    const progress = (): void => {
      if (!isChanged) change(bytes);
      isChanged = true;
    };
    await assert.rejects(peers[0]!.files.putPath('changing', path, { progress }), code('changed-while-read'), how);
  }
  assert.deepEqual((await peers[0]!.files.list({ all: true, cursor: null, limit: 10 })).files, []);
  await close();
});

test('rough: syncthing#10332 time and executable bit of files and folders are restored, never setuid', async () => {
  const { peers, close } = await dataNetwork(3);
  const path = join(folder, 'programs');
  await mkdir(join(path, 'bin'), { recursive: true });
  const program = join(path, 'bin', 'run');
  await writeFile(program, randomBytes(1_500_000));
  await chmod(program, 0o4755);
  await utimes(program, 1_000_000, 1_000_000.5);
  await writeFile(join(path, 'plain'), 'x');
  const { cid } = await peers[0]!.files.putPath('run', program);
  const target = join(folder, 'fetched');
  await peers[1]!.files.getPath({ name: 'run' }, target);
  const { mode, mtimeMs } = await stat(target);
  assert.deepEqual([mode & 0o7111, mtimeMs], [0o111 & ~process.umask(), 1_000_000_500]);
  await peers[1]!.files.getPath({ cid }, join(folder, 'by cid'));
  assert.equal((await stat(join(folder, 'by cid'))).mode & 0o111, 0);
  await putFolder(peers[0]!, 'programs', path);
  const { attributes } = await peers[1]!.files.resolve({ name: 'programs' });
  const list = await readAttributeList(peers[1]!.files.read(String(attributes)));
  assert.deepEqual(list.get('bin/run'), { modified: 1_000_000_500, executable: true });
  assert.equal(list.get('plain')?.executable, false);
  await close();
});

test('rough: syncthing#10332 blocks of nothing but zeros stay holes', async () => {
  const { peers, close } = await dataNetwork(3);
  const path = join(folder, 'sparse');
  const file = await open(path, 'w');
  await file.truncate(20 * 1024 * 1024);
  await file.write('end', 20 * 1024 * 1024 - 3);
  await file.close();
  await peers[0]!.files.putPath('sparse', path);
  const target = join(folder, 'sparse again');
  await peers[1]!.files.getPath({ name: 'sparse' }, target);
  assert.ok((await readFile(path)).equals(await readFile(target)));
  const { size, blocks } = await stat(target);
  assert.deepEqual([size, blocks * 512 <= 2 * 1024 * 1024], [20 * 1024 * 1024, true], `${blocks * 512} bytes on disk`);
  await close();
});
