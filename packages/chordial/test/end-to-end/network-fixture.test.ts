import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { ShownMember, ShownPointer } from '../../src/peer/peer.ts';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import { faultsOfRing } from './ring-view.ts';

/** Stands in for a peer: says that it is ready and lives until it is killed. */
const stub = [
  'sh',
  '-c',
  'echo "{\\"event\\":\\"ready\\",\\"pid\\":$$,\\"listen\\":\\"127.0.0.1:1\\",\\"api\\":\\"127.0.0.1:2\\"}"; echo more; exec sleep 600',
  'stub',
];

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('the fixture reads the ready line, keeps later lines and ends everything', async () => {
  const network = await NetworkFixture.open(stub);
  const [first, second] = await network.startRing(2);
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(first.ready.pid, first.pid);
  assert.equal(first.apiUrl, 'http://127.0.0.1:2');
  await until('the second line', () => first.lines.includes('more'));
  assert.deepEqual(await first.kill9(), { code: null, signal: 'SIGKILL' });
  await network[Symbol.asyncDispose]();
  assert.equal(alive(second.pid), false);
  assert.equal(existsSync(network.folder), false);
});

test('a peer that ends before it is ready fails the start with what it said', async () => {
  await using network = await NetworkFixture.open(['sh', '-c', 'echo no port >&2; exit 1', 'stub']);
  await assert.rejects(network.start(), /ended with 1 before its ready line.*no port/s);
});

test('peers and folder go when the test itself is killed', async () => {
  const fixture = path.join(import.meta.dirname, 'network-fixture.ts');
  const program = `
    import { NetworkFixture } from ${JSON.stringify(fixture)};
    const network = await NetworkFixture.open(${JSON.stringify(stub)});
    const peer = await network.start();
    console.log(JSON.stringify({ pid: peer.pid, folder: network.folder }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
  assert.equal(alive(pid), true);
  child.kill('SIGKILL');
  await until('the orphaned peer ends', () => !alive(pid));
  await until('its folder goes', () => !existsSync(folder));
});

test('until tells what it waited for and why it failed last', async () => {
  const never = (): never => {
    throw new Error('refused');
  };
  await assert.rejects(until('the ring', never, 60), /not within 60 ms: the ring: refused/);
});

test('the view of the ring finds a wrong predecessor, a wrong and a short list', () => {
  const pointer = (ringId: string): ShownPointer => ({ id: 'x', name: 'x', ringId, address: 'y', zone: null });
  const member = (ringId: string, predecessor: string, ...successors: string[]): ShownMember => ({
    ringId,
    predecessor: pointer(predecessor),
    successors: successors.map(pointer),
    fingers: [],
  });
  const a = member('1', '7', '4', '7');
  const b = member('4', '1', '7', '1');
  assert.deepEqual(faultsOfRing([a, b, member('7', '4', '1', '4')]), []);
  assert.deepEqual(faultsOfRing([member('1', '1', '1')]), []);
  assert.deepEqual(faultsOfRing([member('1', '4', '4', '1', '4'), member('4', '1', '1', '4')]), []);
  assert.equal(faultsOfRing([a, b, member('7', '1', '1', '4')]).length, 1);
  assert.equal(faultsOfRing([a, b, member('7', '4', '4', '1')]).length, 1);
  assert.equal(faultsOfRing([a, b, member('7', '4', '1')]).length, 1);
  assert.equal(faultsOfRing([a, b]).length, 3);
});
