/** The drive, used by programs of others. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { DriveFixture } from '../end-to-end/drive-fixture.ts';
import { until } from '../fixtures/until.ts';

const run = promisify(execFile);
const maxBuffer = 16 * 1024 * 1024;

let drive: DriveFixture;
let address = '';
let password = '';

before(async () => {
  drive = await DriveFixture.open();
  ({ address, password } = drive);
});
after(() => drive?.[Symbol.asyncDispose]());

async function madeFolder(name: string): Promise<string> {
  const folder = path.join(drive.network.folder, name);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** With an own home, and the settings of a remote named `drive`. */
async function rclone(...words: readonly string[]) {
  const { stdout: hidden } = await run('rclone', ['obscure', password]);
  const remote = { TYPE: 'webdav', URL: `${address}mine`, VENDOR: 'owncloud', USER: 'chordial', PASS: hidden.trim() };
  const settings = Object.entries(remote).map(([name, value]) => [`RCLONE_CONFIG_DRIVE_${name}`, value]);
  const env = { ...process.env, HOME: drive.network.folder, ...Object.fromEntries(settings) };
  return run('rclone', [...words], { env, maxBuffer });
}

test('B9 litmus: all of its tests, without warnings', async () => {
  const { stdout, stderr } = await run('litmus', [`${address}mine/`, 'chordial', password], {
    cwd: await madeFolder('litmus'),
    maxBuffer,
  });
  const summaries = [...stdout.matchAll(/of (\d+) tests run: (\d+) passed, (\d+) failed/g)];
  assert.equal(summaries.length, 5, stdout + stderr);
  for (const [, all, passed, failed] of summaries) assert.deepEqual([passed, failed], [all, '0'], stdout);
  assert.doesNotMatch(stdout + stderr, /WARNING/i);
});

test('B9 cadaver: a folder, a file there and back, moved, copied, removed', async () => {
  const home = await madeFolder('cadaver');
  const { hostname } = new URL(address);
  await writeFile(path.join(home, '.netrc'), `machine ${hostname} login chordial password ${password}\n`, {
    mode: 0o600,
  });
  await writeFile(path.join(home, 'there'), 'there and back');
  const verbs = [
    'mkcol c',
    'put there c/f',
    'move c/f c/g',
    'copy c d',
    'get d/g back',
    'delete c/g',
    'rmcol c',
    'quit',
  ];
  const cadaver = spawn('cadaver', [`${address}mine/`], { cwd: home, env: { ...process.env, HOME: home } });
  let told = '';
  for (const stream of [cadaver.stdout, cadaver.stderr])
    stream.on('data', (piece: Buffer) => (told += piece.toString()));
  cadaver.stdin.end(`${verbs.join('\n')}\n`);
  await new Promise((resolve) => cadaver.once('close', resolve));
  assert.equal(await readFile(path.join(home, 'back'), 'utf8'), 'there and back', told);
  assert.doesNotMatch(told, /failed/, told);
});

test('B9 rclone: sync and check --download of many small files and a large one, by content and time; others read them', async () => {
  const source = await madeFolder('source');
  await mkdir(path.join(source, 'small'));
  const small = 1000;
  for (let i = 0; i < small; i++) await writeFile(path.join(source, 'small', `${i}.txt`), `file ${i}`);
  const large = randomBytes(40_000_000);
  await writeFile(path.join(source, 'large.bin'), large);
  await rclone('sync', source, 'drive:synced', '--transfers', '8');
  const { stderr } = await rclone('check', '--download', source, 'drive:synced');
  assert.match(stderr, /0 differences found/);
  const again = await rclone('sync', '-v', '--use-json-log', source, 'drive:synced');
  assert.doesNotMatch(again.stderr, /Copied/, 'sizes and times tell that nothing is to be copied');
  await rclone('move', 'drive:synced/small/7.txt', 'drive:synced/moved');
  const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  await until('another peer has all', async () => {
    const got = await drive.other.request('/api/v1/files/synced?path=large.bin');
    const moved = await drive.other.request('/api/v1/files/synced?path=moved/7.txt');
    return got.status === 200 && moved.status === 200 && hash(new Uint8Array(await got.arrayBuffer())) === hash(large);
  });
});

test('B9 davfs2: git clone, and a file saved as editors do', async () => {
  const home = await madeFolder('davfs2');
  const place = await madeFolder('davfs2/mounted');
  const [secrets, settings] = [path.join(home, 'secrets'), path.join(home, 'davfs2.conf')];
  const from = `${address}mine`;
  await writeFile(secrets, `${from} chordial ${password}\n`, { mode: 0o600 });
  await writeFile(settings, `ask_auth 0\nsecrets ${secrets}\nuse_locks 1\ndelay_upload 1\n`);
  const repository = await madeFolder('repository');
  const git = (...words: readonly string[]) => run('git', [...words], { cwd: repository });
  await git('init', '--quiet');
  for (let i = 0; i < 20; i++) await writeFile(path.join(repository, `f${i}`), `line ${i}\n`);
  await git('add', '.');
  await git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '--quiet', '-m', 'one');
  await run('mount.davfs', [from, place, '-o', `conf=${settings}`]);
  try {
    const clone = path.join(place, 'clone');
    await run('git', ['clone', '--quiet', repository, clone]);
    const { stdout } = await run('git', ['log', '--format=%s'], { cwd: clone });
    assert.equal(stdout.trim(), 'one');
    // With Linux 6.18 davfs2 1.6.1 lists no folder (EINVAL) of any server: what walks through folders is left out.
    const shown = await run('git', ['show', 'HEAD:f7'], { cwd: clone });
    assert.equal(shown.stdout, 'line 7\n');
    const file = path.join(clone, 'f7');
    await writeFile(`${file}.new`, 'line 7\nanother\n');
    await rename(file, `${file}~`);
    await rename(`${file}.new`, file);
    await appendFile(path.join(clone, 'f8'), 'more\n');
  } finally {
    // Waits for what is still to be uploaded.
    await run('umount', [place]);
  }
  for (const [name, text] of [
    ['f7', 'line 7\nanother\n'],
    ['f7~', 'line 7\n'],
    ['f8', 'line 8\nmore\n'],
  ])
    assert.equal(await (await drive.own.request(`/api/v1/files/clone?path=${name}`)).text(), text);
});

test('B9 gio: mounted, listed, a file there and back', async () => {
  const home = await madeFolder('gio');
  await writeFile(path.join(home, 'there'), 'by gio');
  const { host, pathname } = new URL(address);
  const place = `dav://chordial@${host}${pathname}mine`;
  const script = [
    `printf '%s\\n' '${password}' | gio mount ${place}`,
    `gio mkdir ${place}/gio`,
    `gio copy there ${place}/gio/f`,
    `gio list ${place}/gio`,
    `gio cat ${place}/gio/f`,
    `gio mount --unmount ${place}`,
  ].join(' && ');
  const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: home, LC_ALL: 'C.UTF-8' };
  const { stdout } = await run('dbus-run-session', ['--', 'sh', '-c', script], { cwd: home, env });
  assert.match(stdout, /^f$[\s\S]*by gio/m);
});
