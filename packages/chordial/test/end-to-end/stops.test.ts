/** A stop ends within 10 s, whatever hangs. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { maxStopMilliseconds } from '../../src/cli/end-signals.ts';
import { withFolder } from '../fixtures/temporary-folder.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const fixture = fileURLToPath(new URL('../fixtures/hung-threads.ts', import.meta.url));
/** Tolerance for a busy machine. */
const marginMilliseconds = 3000;

/** Milliseconds from the first of these signals to the end of the process, its exit code and what it printed. */
async function stopHung(signals: readonly NodeJS.Signals[]) {
  return withFolder(async (folder) => {
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', fixture, pipe]);
    const printed: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => printed.push(piece));
    const exited = once(child, 'exit') as Promise<[number | null]>;
    await until('it is ready', () => Buffer.concat(printed).includes('ready'), 30_000);
    const began = performance.now();
    for (const signal of signals) {
      child.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const kill = setTimeout(() => child.kill('SIGKILL'), 3 * maxStopMilliseconds);
    const [code] = await exited;
    clearTimeout(kill);
    return { code, milliseconds: performance.now() - began, text: Buffer.concat(printed).toString() };
  });
}

test('a stop gives up threads that hang in a file after 10 s, and says so', { timeout: 60_000 }, async () => {
  const { code, milliseconds, text } = await stopHung(['SIGTERM']);
  assert.equal(code, 1);
  assert.match(text, /gave up/);
  assert.ok(milliseconds >= maxStopMilliseconds - 500, `${milliseconds}`);
  assert.ok(milliseconds < maxStopMilliseconds + marginMilliseconds, `${milliseconds}`);
});

test('a second signal ends it at once, whatever hangs', { timeout: 60_000 }, async () => {
  const { code, milliseconds } = await stopHung(['SIGINT', 'SIGINT']);
  assert.equal(code, 130);
  assert.ok(milliseconds < marginMilliseconds, `${milliseconds}`);
});

async function stopAll(peers: readonly PeerProcess[]): Promise<void> {
  const began = performance.now();
  const exits = await Promise.all(peers.map((peer) => peer.stop()));
  const took = performance.now() - began;
  for (const [place, { code }] of exits.entries()) assert.equal(code, 0, peers[place]!.describe());
  assert.ok(
    took < maxStopMilliseconds + marginMilliseconds,
    `${took}: ${peers.map((peer) => peer.describe()).join('\n')}`,
  );
}

test('peers that are stopped at once, and one beside a peer that never answers, end within 10 s and keep what was put', async () => {
  await using network = await NetworkFixture.open();
  const peers = await network.startRing(4);
  const [first, second, third, fourth] = peers as [PeerProcess, PeerProcess, PeerProcess, PeerProcess];
  for (let count = 0; count < 20; count++) {
    const body = `contents ${count}`.repeat(3000);
    const put = await first.request(`/api/v1/files/file-${count}`, { method: 'PUT', body });
    assert.equal(put.status, 201, await put.text());
  }
  process.kill(fourth.ready.pid, 'SIGSTOP');
  await stopAll([third]);
  process.kill(fourth.ready.pid, 'SIGCONT');
  await stopAll([first, second, fourth]);
  const back = [await network.restart(first), await network.restart(second)];
  await until(
    'all is readable',
    async () => {
      for (let count = 0; count < 20; count++) {
        const answer = await back[1]!.request(`/api/v1/files/file-${count}`);
        if (!answer.ok || (await answer.text()) !== `contents ${count}`.repeat(3000)) return false;
      }
      return true;
    },
    60_000,
  );
});
