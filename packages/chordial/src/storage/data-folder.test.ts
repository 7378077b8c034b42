import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { openDataFolder } from './data-folder.ts';

const moduleUrl = new URL('./data-folder.ts', import.meta.url).href;

/** Opens the folder in a process of its own, says what happened in one line, and stays until it is killed. */
function openElsewhere(folder: string, uid?: number) {
  const script = `
    import { openDataFolder } from ${JSON.stringify(moduleUrl)};
    await openDataFolder(${JSON.stringify(folder)}).then((folder) => { globalThis.kept = folder; console.log('open'); }, (error) => console.log(error.code + ' ' + error.message));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const said = once(child.stdout, 'data').then(([line]) => String(line).trim());
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { child, said, kill };
}

describe('openDataFolder', () => {
  it('makes the folder, private, and opens it again', async () => {
    await using parent = await temporaryFolder();
    const folder = path.join(parent.path, 'a', 'b');
    for (let life = 0; life < 2; life++) {
      await using opened = await openDataFolder(folder);
      assert.equal(opened.path, folder);
      assert.equal((await fs.stat(folder)).mode & 0o777, 0o700);
      assert.equal(opened.file('x'), path.join(folder, 'x'));
    }
  });

  it('closes twice without harm', async () => {
    await using parent = await temporaryFolder();
    const opened = await openDataFolder(parent.path);
    await opened.close();
    await opened.close();
  });

  it('makes an open folder private', async () => {
    await using parent = await temporaryFolder();
    await fs.chmod(parent.path, 0o755);
    await using _ = await openDataFolder(parent.path);
    assert.equal((await fs.stat(parent.path)).mode & 0o777, 0o700);
  });

  it('refuses a second opening in the same process, naming folder and pid', async () => {
    await using parent = await temporaryFolder();
    await using _ = await openDataFolder(parent.path);
    const refused = isError('data-folder-in-use', new RegExp(`${parent.path} is used by process ${process.pid}\\.`));
    await assert.rejects(openDataFolder(parent.path), refused);
    await assert.rejects(openDataFolder(`${parent.path}/../${path.basename(parent.path)}`), refused);
  });

  it('refuses a folder that another process has, until kill -9 takes it', async () => {
    await using parent = await temporaryFolder();
    const other = openElsewhere(parent.path);
    try {
      assert.equal(await other.said, 'open');
      await assert.rejects(
        openDataFolder(parent.path),
        isError('data-folder-in-use', new RegExp(`process ${other.child.pid}\\.`)),
      );
    } finally {
      await other.kill();
    }
    // A pid left behind, even of a live process, means nothing.
    await fs.writeFile(path.join(parent.path, 'pid'), `${process.ppid}\n`);
    await using _ = await openDataFolder(parent.path);
  });

  it('of many that open at once exactly one gets it', async () => {
    await using parent = await temporaryFolder();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => openDataFolder(parent.path)));
    const opened = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    assert.equal(opened.length, 1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        assert.ok(isError('data-folder-in-use')(outcome.reason), String(outcome.reason));
    await opened[0]?.value.close();
  });

  it('says what is wrong with a path that is no folder', async () => {
    await using parent = await temporaryFolder();
    const file = path.join(parent.path, 'file');
    await fs.writeFile(file, '');
    await assert.rejects(openDataFolder(file), isError('broken-data-folder', /is a file and not a folder/));
    await assert.rejects(
      openDataFolder(path.join(file, 'below')),
      isError('broken-data-folder', /is a file and not a folder/),
    );
  });

  it("leaves somebody else's folder alone", async () => {
    await using parent = await temporaryFolder();
    await fs.writeFile(path.join(parent.path, 'thesis.txt'), 'years of work');
    await fs.chmod(parent.path, 0o755);
    await assert.rejects(
      openDataFolder(parent.path),
      isError('broken-data-folder', /"thesis.txt".*empty or a new folder/),
    );
    assert.equal((await fs.stat(parent.path)).mode & 0o777, 0o755);
    assert.deepEqual(await fs.readdir(parent.path), ['thesis.txt']);
  });

  it('takes a folder that holds only a configuration file', async () => {
    await using parent = await temporaryFolder();
    await fs.writeFile(path.join(parent.path, 'chordial.toml'), '');
    await using _ = await openDataFolder(parent.path);
  });

  it('refuses another format, and a broken lock file', async () => {
    await using parent = await temporaryFolder();
    await fs.writeFile(path.join(parent.path, 'format'), 'chordial data folder 99\n');
    await assert.rejects(
      openDataFolder(parent.path),
      isError('broken-data-folder', /a newer Chordial has written it \(format 99, this one reads up to 1\)/),
    );
    await fs.rm(path.join(parent.path, 'format'));
    await fs.writeFile(
      path.join(parent.path, 'lock'),
      'no database, but text of more than a hundred bytes '.repeat(10),
    );
    await assert.rejects(openDataFolder(parent.path), isError('broken-data-folder', /"lock" cannot be locked/));
  });

  it('says so when this user may not read or write it', async () => {
    await using parent = await temporaryFolder();
    const folder = path.join(parent.path, 'data');
    await fs.mkdir(folder);
    for (const mode of [0o000, 0o555]) {
      await fs.chmod(folder, mode);
      // The superuser may everything, so somebody else must try.
      const root = process.getuid?.() === 0;
      await fs.chmod(parent.path, 0o755);
      const other = openElsewhere(folder, root ? 65_534 : undefined);
      try {
        assert.match(await other.said, /^broken-data-folder .*may not read and write it/);
      } finally {
        await other.kill();
      }
    }
    await fs.chmod(folder, 0o700);
  });
});
