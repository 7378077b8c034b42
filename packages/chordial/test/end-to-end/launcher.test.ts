import assert from 'node:assert/strict';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CommandResult, launcher, runCommand } from './command.ts';

/** A package with the real launcher and an entry that prints its Node, arguments and pid. */
async function packageFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial launcher-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(path.join(folder, 'app/bin'), { recursive: true });
  await mkdir(path.join(folder, 'app/dist/program'), { recursive: true });
  await cp(launcher, path.join(folder, 'app/bin/chordial'));
  await writeFile(
    path.join(folder, 'app/dist/program/main.js'),
    'console.log(JSON.stringify([process.pid, process.execArgv, process.argv.slice(2), process.env.CHOSEN]));',
  );
  return folder;
}

/** A Node of the given version, as far as `--version` goes; it passes everything else on to the real one. */
async function fakeNode(file: string, version: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const script = `#!/bin/sh\n[ "$1" = --version ] && { echo ${version}; exit; }\nCHOSEN=${version} exec "${process.execPath}" "$@"\n`;
  await writeFile(file, script);
  await chmod(file, 0o755);
}

/** PATH holds the named folder and the system's own programs, but no other Node. */
async function launch(folder: string, command: string, ...args: readonly string[]): Promise<CommandResult> {
  const tools = path.join(folder, 'tools');
  await mkdir(tools, { recursive: true });
  for (const tool of ['sh', 'readlink', 'dirname']) {
    await symlink(path.join('/usr/bin', tool), path.join(tools, tool)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  const environment = { PATH: [path.join(folder, 'path'), tools].join(path.delimiter) };
  return runCommand(['/bin/sh', command, ...args], { environment, folder });
}

test('the launcher takes the Node on PATH when it is new enough, and passes arguments on unchanged', async (t) => {
  const folder = await packageFolder(t);
  await fakeNode(path.join(folder, 'path/node'), 'v24.9.0');
  const result = await launch(folder, path.join(folder, 'app/bin/chordial'), 'put', 'a b', '', '$x');
  assert.equal(result.stderr, '');
  const [, flags, args, chosen] = result.json<[number, string[], string[], string]>();
  assert.deepEqual(flags, ['--disable-warning=ExperimentalWarning', '--disable-sigusr1']);
  assert.deepEqual(args, ['put', 'a b', '', '$x']);
  assert.equal(chosen, 'v24.9.0');
});

test('the launcher takes the Node of its own or an enclosing node_modules when the one on PATH is too old', async (t) => {
  const folder = await packageFolder(t);
  await fakeNode(path.join(folder, 'path/node'), 'v24.8.0');
  await fakeNode(path.join(folder, 'node_modules/.bin/node'), 'v25.0.0');
  const enclosing = await launch(folder, path.join(folder, 'app/bin/chordial'));
  assert.equal(enclosing.json<string[]>()[3], 'v25.0.0');
  await fakeNode(path.join(folder, 'app/node_modules/.bin/node'), 'v24.10.1');
  const own = await launch(folder, path.join(folder, 'app/bin/chordial'));
  assert.equal(own.json<string[]>()[3], 'v24.10.1');
});

test('the launcher finds its package through symbolic links, relative and absolute', async (t) => {
  const folder = await packageFolder(t);
  await fakeNode(path.join(folder, 'path/node'), 'v26.1.0');
  await mkdir(path.join(folder, 'links'));
  await symlink('../app/bin/chordial', path.join(folder, 'links/relative'));
  await symlink(path.join(folder, 'links/relative'), path.join(folder, 'links/absolute'));
  const result = await launch(folder, path.join(folder, 'links/absolute'), '--version');
  assert.equal(result.stderr, '');
  assert.deepEqual(result.json<string[][]>()[2], ['--version']);
});

test('A22 without a Node that serves, the launcher says which one it needs and exits 1', async (t) => {
  const folder = await packageFolder(t);
  const none = await launch(folder, path.join(folder, 'app/bin/chordial'));
  assert.equal(none.exit, 1);
  assert.match(none.stderr, /needs Node 24\.9 or newer, found none on PATH/);
  await fakeNode(path.join(folder, 'path/node'), 'v20.19.0');
  const old = await launch(folder, path.join(folder, 'app/bin/chordial'));
  assert.equal(old.exit, 1);
  assert.match(old.stderr, /needs Node 24\.9 or newer, found v20\.19\.0 on PATH/);
});

test('the pid of the command is the pid of the peer', async (t) => {
  const folder = await packageFolder(t);
  await fakeNode(path.join(folder, 'path/node'), 'v24.9.0');
  let started = 0;
  const environment = { PATH: [path.join(folder, 'path'), process.env['PATH']].join(path.delimiter) };
  const result = await runCommand([path.join(folder, 'app/bin/chordial')], { environment }, (pid) => {
    started = pid;
  });
  assert.equal(result.json<number[]>()[0], started);
});
