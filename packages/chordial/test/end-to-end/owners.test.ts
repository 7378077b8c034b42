/** Case 10: what a command writes is the user's who ran it, and what it reads it reads with that user's rights. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { product } from '../results.ts';
import { type CommandResult, environmentAt, runCommand } from './command.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

/** Changes the user if this process can; otherwise owners are equal, and only the umask is tested. */
const user =
  process.getuid?.() === 0
    ? { uid: 65_534, gid: 65_534, program: ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] }
    : { uid: process.getuid?.(), gid: process.getgid?.(), program: [] };

class Desk implements AsyncDisposable {
  readonly folder: string;
  readonly #peer: PeerProcess;

  private constructor(folder: string, peer: PeerProcess) {
    this.folder = folder;
    this.#peer = peer;
  }

  static async open(peer: PeerProcess): Promise<Desk> {
    const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'chordial-user-')));
    await chmod(folder, 0o700);
    if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
    return new Desk(folder, peer);
  }

  /** A command of that user in this folder. */
  run(umask: string, ...args: readonly string[]): Promise<CommandResult> {
    const program = [process.execPath, path.join(product, 'src/cli/main.ts'), ...args, '--api', this.#peer.apiUrl];
    const shell = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...user.program, ...program];
    return runCommand(shell, {
      folder: '/',
      environment: { ...environmentAt(this.folder), ...tokenOf(this.#peer.dataFolder) },
    });
  }

  async #own(place: string): Promise<void> {
    if (user.uid !== undefined && user.gid !== undefined) await chown(place, user.uid, user.gid);
  }

  async file(name: string, bytes: Uint8Array, mode = 0o600): Promise<string> {
    const place = path.join(this.folder, name);
    await mkdir(path.dirname(place), { recursive: true, mode: 0o700 });
    await this.#own(path.dirname(place));
    await writeFile(place, bytes);
    await chmod(place, mode);
    await this.#own(place);
    return place;
  }

  async seen(name: string): Promise<readonly [number, string]> {
    const { uid, mode } = await stat(path.join(this.folder, name));
    return [uid, (mode & 0o777).toString(8)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

test('case 10 owner and mode of what get writes are those of the user and umask of the command, folders too', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  await using desk = await Desk.open(peer);
  const large = randomBytes(3_000_000);
  await desk.file('in/deep/large', large);
  await desk.file('in/small', randomBytes(10));
  await desk.file('in/run', randomBytes(10), 0o755);
  const put = await desk.run('022', 'put', path.join(desk.folder, 'in'), path.join(desk.folder, 'in/deep/large'));
  assert.equal(put.exit, 0, put.stderr);
  for (const [umask, folderMode, fileMode, runMode] of [
    ['077', '700', '600', '700'],
    ['002', '775', '664', '775'],
  ] as const) {
    const out = `out-${umask}`;
    const got = await desk.run(umask, 'get', 'in', '-o', path.join(desk.folder, out));
    assert.equal(got.exit, 0, got.stderr);
    const file = await desk.run(umask, 'get', 'large', '-o', path.join(desk.folder, `${out}-file`));
    assert.equal(file.exit, 0, file.stderr);
    const uid = user.uid ?? 0;
    assert.deepEqual(await desk.seen(out), [uid, folderMode]);
    assert.deepEqual(await desk.seen(`${out}/deep`), [uid, folderMode]);
    assert.deepEqual(await desk.seen(`${out}/deep/large`), [uid, fileMode]);
    assert.deepEqual(await desk.seen(`${out}/small`), [uid, fileMode]);
    assert.deepEqual(await desk.seen(`${out}/run`), [uid, runMode]);
    assert.deepEqual(await desk.seen(`${out}-file`), [uid, fileMode]);
  }
});

/** Lets the command's user in, since file access is under test, not admission. */
function tokenOf(data: string): NodeJS.ProcessEnv {
  const file = path.join(data, 'api-token');
  return existsSync(file) ? { CHORDIAL_API_TOKEN: readFileSync(file, 'utf8').trim() } : {};
}
