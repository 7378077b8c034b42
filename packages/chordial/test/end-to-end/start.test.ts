import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { product } from '../results.ts';
import { type CommandResult, runCommand } from './command.ts';

const program = path.join(product, 'test/fixtures/small-peer-process.ts');

class Started implements AsyncDisposable {
  readonly data: string;
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly exited: Promise<unknown[]>;

  private constructor(data: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.data = data;
    this.child = spawn(process.execPath, [program, data, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, XDG_RUNTIME_DIR: path.dirname(data), ...environment },
    });
    this.exited = once(this.child, 'exit');
    const { stdout } = this.child;
    assert.ok(stdout);
    this.lines = createInterface(stdout)[Symbol.asyncIterator]();
  }

  static async open(args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): Promise<Started> {
    const data = path.join(await mkdtemp(path.join(os.tmpdir(), 'chordial-test-')), 'data');
    return new Started(data, args, environment);
  }

  /** As the same user runs it. */
  command(...args: readonly string[]): Promise<CommandResult> {
    const environment = { ...process.env, XDG_RUNTIME_DIR: path.dirname(this.data) };
    return runCommand([process.execPath, path.join(product, 'src/cli/main.ts'), ...args], { environment });
  }

  async line(): Promise<string> {
    return (await this.lines.next()).value ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
    await rm(path.dirname(this.data), { recursive: true, force: true });
  }
}

test('A1 the first line of start --json is the ready event, and what happened before follows it', async () => {
  await using started = await Started.open();
  const ready = JSON.parse(await started.line()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(ready), ['event', 'pid', 'id', 'ringId', 'network', 'listen', 'api', 'door']);
  assert.equal(ready['pid'], started.child.pid);
  const answer = await fetch(`http://${ready['api']}/readyz`);
  assert.equal(answer.status, 200);
  assert.match(await started.line(), /asks no one to join/);
});

test('A23 start tells in plain lines what happens', async () => {
  await using started = await Started.open(['127.0.0.1:0', 'usual', '--plain']);
  assert.match(await started.line(), /^\d\d:\d\d:\d\d asks no one to join$/);
  assert.match(await started.line(), /ready: \S.*, peer 12D3Koo/);
  assert.match(
    await started.line(),
    new RegExp(`process ${started.child.pid} listening at .*API at http://127\\.0\\.0\\.1:\\d+`),
  );
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`A4 ${signal} stops the peer in good order with exit code 0`, async () => {
    await using started = await Started.open();
    await started.line();
    assert.ok(existsSync(path.join(started.data, 'running-peer.json')));
    started.child.kill(signal);
    assert.deepEqual(await started.exited, [0, null]);
    assert.equal(existsSync(path.join(started.data, 'running-peer.json')), false);
  });
}

test('A4 a second signal ends the peer at once', async () => {
  await using started = await Started.open(['127.0.0.1:0', 'slow-stop']);
  await started.line();
  started.child.kill('SIGINT');
  for (let line = await started.line(); !line.includes('stopping'); line = await started.line());
  started.child.kill('SIGINT');
  assert.deepEqual(await started.exited, [130, null]);
});

test('A4 a signal while still joining ends the start', async () => {
  await using started = await Started.open(['127.0.0.1:0', 'never-ready', '--plain']);
  await started.line();
  started.child.kill('SIGTERM');
  assert.deepEqual(await started.exited, [1, null]);
});

test('A4 leave through the API ends the process after its caller was answered', async () => {
  await using started = await Started.open();
  const { api } = JSON.parse(await started.line()) as { api: string };
  const left = await started.command('leave', '--force', '--api', api);
  assert.equal(left.exit, 0, left.stderr);
  assert.deepEqual(await started.exited, [0, null]);
});

test('a peer of a demonstration ends with its parent', async () => {
  await using started = await Started.open([], { CHORDIAL_STOP_WITH_INPUT: '1' });
  await started.line();
  started.child.stdin?.end();
  assert.deepEqual(await started.exited, [0, null]);
});

test('C3 the API has a token from the first start on, which commands of the same user find by folder or address', async () => {
  for (const where of ['127.0.0.1:0', '0.0.0.0:0']) {
    await using started = await Started.open([where]);
    const { api } = JSON.parse(await started.line()) as { api: string };
    const near = api.replace('0.0.0.0', '127.0.0.1');
    assert.equal((await fetch(`http://${near}/api/v1/node`)).status, 401);
    const file = path.join(started.data, 'api-token');
    assert.equal((await readFile(file, 'utf8')).trim().length, 32);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    for (const [flag, value] of [
      ['--data', started.data],
      ['--api', `http://${near}`],
    ] as const) {
      const ring = await started.command('ring', flag, value);
      assert.equal(ring.exit, 0, ring.stderr);
    }
    const open = await started.command('open', '--print', '--api', `http://${near}`);
    assert.match(open.text, new RegExp(`^http://${near}/#t=[\\w-]{32}\n$`));
  }
});

test('A22 start on a taken API port says so and exits with 1', async () => {
  await using started = await Started.open();
  const { api } = JSON.parse(await started.line()) as { api: string };
  const second = await runCommand([process.execPath, program, path.join(started.data, 'second'), api]);
  assert.equal(second.exit, 1);
  assert.match(second.stderr, /"code":"port-in-use".*--api/);
  assert.equal(existsSync(path.join(started.data, 'second')), false);
});
