/** A data folder that was copied, and both started: the second says so and ends, the first goes on undisturbed. */
import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

/** Of a machine that does much else. */
const tellMilliseconds = 40_000;

async function copyOf(peer: PeerProcess, network: NetworkFixture): Promise<string> {
  const copy = path.join(network.folder, `copy-${peer.pid}`);
  await cp(peer.dataFolder, copy, { recursive: true });
  return copy;
}

const flags = ['--listen', '127.0.0.1:0', '--api', '127.0.0.1:0'];

test('rough: syncthing#3997 a copied data folder ends its second peer with the address of the first', async () => {
  await using network = await NetworkFixture.open();
  const [first, second] = await network.startRing(2);
  await network.command(['put', '-', '--name', 'kept.txt'], second, { input: 'kept' });
  await second!.stop();
  const copy = await copyOf(second!, network);
  const running = await network.start({ data: path.relative(network.folder, second!.dataFolder) });
  await until('one ring', () => network.isIdeal([first!, running]), 30_000);
  for (const json of [[], ['--json']]) {
    const began = performance.now();
    const { exit, text, stderr } = await network.command(['start', '--data', copy, ...flags, ...json]);
    assert.equal(exit, 1, `${text}${stderr}`);
    assert.ok(performance.now() - began < tellMilliseconds);
    const told = json.length === 0 ? stderr : (JSON.parse(stderr) as { error: { message: string } }).error.message;
    assert.ok(told.includes(`is already running at ${running.ready.listen}`), told);
    assert.match(told, /Stop that one, or start here with an empty --data/);
    if (json.length > 0) assert.match(stderr, /"identity-in-use"/);
  }
  assert.deepEqual(await network.isIdeal([first!, running]), true);
  assert.equal((await network.command(['get', 'kept.txt', '-o', '-'], first)).text, 'kept');
  // Joined through the very one that it is, it says the same.
  const { exit, text, stderr } = await network.command([
    'start',
    '--data',
    copy,
    ...flags,
    '--join',
    running.ready.listen,
  ]);
  assert.equal(exit, 1, `${text}${stderr}`);
  assert.match(stderr, /is already running at/);
});

test('rough: syncthing#3997 the copy of a peer that is alone, and of one that was killed', async () => {
  await using network = await NetworkFixture.open();
  const alone = await network.start();
  const copy = await copyOf(alone, network);
  await rm(path.join(copy, 'lock'), { force: true });
  const { exit, text, stderr } = await network.command(['start', '--data', copy, ...flags]);
  assert.equal(exit, 1, `${text}${stderr}`);
  assert.ok(stderr.includes(alone.ready.listen), stderr);
  await alone.kill9();
  // Gone, so the copy takes its place.
  const heir = await network.start({ data: path.basename(copy) });
  assert.equal(heir.ready.id, alone.ready.id);
});

test('rough: syncthing#3997 of two that start at once one remains', async () => {
  await using network = await NetworkFixture.open();
  const [first, second] = await network.startRing(2);
  await second!.stop();
  const copy = await copyOf(second!, network);
  const data = [path.basename(second!.dataFolder), path.basename(copy)];
  const started = await Promise.allSettled(data.map((one) => network.start({ data: one })));
  const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  assert.ok(running.length > 0);
  await until(
    'one of them has ended',
    () => running.filter((peer) => peer.running).length === 1,
    tellMilliseconds + 10_000,
  );
  const left = running.find((peer) => peer.running)!;
  const ended = running.find((peer) => !peer.running);
  if (ended !== undefined) {
    assert.equal((await ended.exited).code, 1);
    assert.match(ended.errorLines.join('\n'), /identity-in-use/);
  }
  await until('one ring', () => network.isIdeal([first!, left]), 30_000);
});
