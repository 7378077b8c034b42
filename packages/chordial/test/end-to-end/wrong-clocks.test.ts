import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { movedClock } from './moved-clock.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const hour = 3_600_000;

async function put(network: NetworkFixture, peer: PeerProcess, name: string, bytes: string) {
  const { exit, stderr } = await network.command(['put', '-', '--name', name], peer, { input: bytes });
  return { exit, stderr };
}

async function bytesAt(network: NetworkFixture, peer: PeerProcess, name: string): Promise<string> {
  return (await network.command(['get', name, '-o', '-'], peer)).stdout.toString();
}

async function listed(network: NetworkFixture, peer: PeerProcess, ...flags: string[]): Promise<readonly string[]> {
  const answer = (await network.command(['ls', '--json', ...flags], peer)).json<{ files: { name: string }[] }>();
  return answer.files.map(({ name }) => name).sort();
}

const announced = async (peer: PeerProcess) =>
  (await peer.json<{ shares: { announced: number }[] }>('/api/v1/shares')).shares.map((share) => share.announced);

test('case 4: what a clock two hours ahead left is let go once it is right, and a put that failed is not listed', async () => {
  await using network = await NetworkFixture.open();
  const peers = (await network.startRing(3)) as [PeerProcess, PeerProcess, PeerProcess];
  const [first, second] = peers;
  const clock = await movedClock(network, 'clock', 0);
  const { environment } = clock;
  let wrong = await network.start({ join: first, environment });
  await until('one ring', () => network.isIdeal([...peers, wrong]), 30_000);
  assert.equal((await put(network, wrong, 'before', 'right')).exit, 0);

  await clock.set(2 * hour);
  const shared = path.join(network.folder, 'shared');
  await mkdir(shared);
  await writeFile(path.join(shared, 'in the share'), 'shared');
  await network.command(['share', shared], wrong);
  for (let number = 0; number < 6; number++) {
    const { exit, stderr } = await put(network, wrong, `ahead ${number}`, 'ahead');
    assert.notEqual(exit, 0, 'no one takes what is dated two hours ahead');
    assert.match(stderr, /clock/, 'the clock is named');
  }
  assert.notEqual((await put(network, wrong, 'before', 'ahead')).exit, 0);
  assert.deepEqual(await listed(network, wrong), ['before'], 'what failed is not listed');
  assert.equal(await bytesAt(network, wrong, 'before'), 'right');

  await clock.set(0);
  await wrong.stop();
  wrong = await network.restart(wrong, { environment });
  await until('one ring', () => network.isIdeal([...peers, wrong]), 30_000);
  assert.deepEqual(await listed(network, wrong), ['before']);
  for (const name of ['ahead 0', 'before']) {
    const again = await put(network, wrong, name, 'again');
    assert.equal(again.exit, 0, again.stderr);
    assert.equal(await bytesAt(network, second, name), 'again');
  }
  const removed = await network.command(['rm', 'before'], wrong);
  assert.equal(removed.exit, 0, removed.stderr);
  assert.equal((await network.command(['get', 'before', '-o', '-'], second)).exit, 3);
  await until('the share is announced', async () => (await announced(wrong))[0] === 1, 30_000);
  await until('it is got', async () => (await bytesAt(network, second, 'in the share')) === 'shared', 30_000);
});

test('case 4: the same without a restart: a clock that is set right while the peer runs', async () => {
  await using network = await NetworkFixture.open();
  const first = await network.start();
  const clock = await movedClock(network, 'clock', 2 * hour);
  // Alone it would be right; beside one other, both copies are needed.
  const wrong = await network.start({ join: first, environment: clock.environment });
  await until('one ring', () => network.isIdeal([first, wrong]), 30_000);
  const shared = path.join(network.folder, 'shared');
  await mkdir(shared);
  await writeFile(path.join(shared, 'in the share'), 'shared');
  await network.command(['share', shared], wrong);
  assert.notEqual((await put(network, wrong, 'x', 'ahead')).exit, 0);
  await clock.set(0);
  const again = await put(network, wrong, 'x', 'right');
  assert.equal(again.exit, 0, again.stderr);
  assert.equal(await bytesAt(network, first, 'x'), 'right');
  const removed = await network.command(['rm', 'x'], wrong);
  assert.equal(removed.exit, 0, removed.stderr);
  assert.equal((await network.command(['get', 'x', '-o', '-'], first)).exit, 3);
  await until('it is got', async () => (await bytesAt(network, first, 'in the share')) === 'shared', 90_000);
});

test('case 4: a whole network two hours ahead keeps what it acknowledged when its clocks are set right', async () => {
  await using network = await NetworkFixture.open();
  const clock = await movedClock(network, 'clock', 2 * hour);
  const { environment } = clock;
  const peers = await network.startRing(2, { environment });
  const [first, second] = peers as [PeerProcess, PeerProcess];
  await until('one ring', () => network.isIdeal(peers), 30_000);
  for (const name of ['kept', 'replaced', 'removed']) {
    const { exit, stderr } = await put(network, first, name, 'ahead');
    assert.equal(exit, 0, stderr);
  }
  await clock.set(0);
  assert.deepEqual(await listed(network, second, '--all'), ['kept', 'removed', 'replaced']);
  assert.equal(await bytesAt(network, second, 'kept'), 'ahead');
  const again = await put(network, first, 'replaced', 'right');
  assert.equal(again.exit, 0, again.stderr);
  assert.equal(await bytesAt(network, second, 'replaced'), 'right');
  const removed = await network.command(['rm', 'removed'], first);
  assert.equal(removed.exit, 0, removed.stderr);
  assert.deepEqual(await listed(network, second, '--all'), ['kept', 'replaced']);
  assert.deepEqual(await listed(network, first), ['kept', 'replaced']);
});

test('case 4b: with a clock an hour behind, what is new is listed and got, and doctor, page and log tell of the clock', async () => {
  await using network = await NetworkFixture.open();
  const peers = (await network.startRing(3, { flags: ['--open'] })) as [PeerProcess, PeerProcess, PeerProcess];
  const [first] = peers;
  const clock = await movedClock(network, 'clock', -hour);
  const behind = await network.start({ join: first, environment: clock.environment });
  await until('one ring', () => network.isIdeal([...peers, behind]), 30_000);
  assert.equal((await put(network, first, 'new', 'new')).exit, 0);
  const shared = path.join(network.folder, 'shared');
  await mkdir(shared);
  await writeFile(path.join(shared, 'in the share'), 'shared');
  await network.command(['share', shared], first);
  assert.deepEqual(await listed(network, behind, '--all'), ['new']);
  assert.equal(await bytesAt(network, behind, 'new'), 'new');
  await until('the share is got', async () => (await bytesAt(network, behind, 'in the share')) === 'shared', 30_000);
  await until('the log tells', async () => behind.lines.some((line) => /clock.*1 h.* behind/.test(line)), 30_000);
  const node = await behind.json<{ clock: { ahead: number } | null }>('/api/v1/node');
  assert.ok(Math.abs((node.clock?.ahead ?? 0) + 3600) < 30, JSON.stringify(node.clock));
  const doctor = await network.command(['doctor', '--data', behind.dataFolder]);
  assert.match(doctor.text, /BAD {3}clock: .*1 h.* behind/);
  const right = await network.command(['doctor', '--data', first.dataFolder]);
  assert.match(right.text, /ok {4}clock: .*agrees with/);
});

test('case 4b: where members are admitted one by one, a joiner whose clock is an hour behind is told so', async () => {
  await using network = await NetworkFixture.open();
  const first = await network.start();
  const clock = await movedClock(network, 'clock', -hour);
  await assert.rejects(
    network.start({ join: first, environment: clock.environment }),
    /wrong-clock.*one of the two clocks is wrong/,
  );
});
