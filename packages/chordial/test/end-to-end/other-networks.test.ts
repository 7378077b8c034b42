import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { NetworkFixture } from './network-fixture.ts';
import { refusedStart } from './refusal.ts';

test('A22 B3 flags that disagree with the network that is joined, or returned to, are told with both values', async () => {
  await using network = await NetworkFixture.open();
  const founder = await network.start({ flags: ['--replicas', '2'] });
  for (const [flag, given, real] of [
    ['--replicas', '4', '2'],
    ['--bits', '64', '256'],
    ['--successors', '5', '8'],
    ['--write-quorum', '1', '2'],
  ] as const) {
    const joiner = ['--data', path.join(network.folder, 'joiner'), '--join', founder.ready.listen];
    const { exit, code, message } = await refusedStart(network, [...joiner, flag, given]);
    assert.deepEqual([exit, code], [2, 'genesis-disagrees'], message);
    assert.ok(message.includes(flag) && message.includes(`= ${given}`) && message.includes(`= ${real}`), message);
    assert.match(message, /Leave the flag out/);
  }
  await founder.stop();
  const returning = await refusedStart(network, ['--data', founder.dataFolder, '--replicas', '3']);
  assert.deepEqual([returning.exit, returning.code], [2, 'genesis-disagrees'], returning.message);
  assert.match(returning.message, /= 3.*= 2/);
  const same = await network.restart(founder, { flags: ['--replicas', '2'] });
  assert.equal(same.ready.network, founder.ready.network);
});

test('A22 B3 a peer of one network can not come back through a peer of another, and stays in its own', async () => {
  await using network = await NetworkFixture.open();
  const [own, other] = [await network.start(), await network.start()];
  assert.notEqual(own.ready.network, other.ready.network);
  await own.stop();
  const refusal = await refusedStart(network, ['--data', own.dataFolder, '--join', other.ready.listen]);
  assert.deepEqual([refusal.exit, refusal.code], [1, 'other-network'], refusal.message);
  // What the other one is, it tells its members.
  assert.ok(!refusal.message.includes(other.ready.network.slice(0, 8)), refusal.message);
  assert.match(refusal.message, /another --data/);
  const again = await network.restart(own);
  assert.equal(again.ready.network, own.ready.network);
  // Nor may a running peer be joined to it.
  const joined = await network.command(['join', other.ready.listen, '--json'], again);
  assert.equal(joined.exit, 1, joined.stderr);
  assert.match(joined.stderr, /"other-network"/);
  const { hosts } = await other.json<{ hosts: number }>('/api/v1/node?fingers=none');
  assert.equal(hosts, 1);
});

test('A22 B3 two peers of different networks are not one to join', async () => {
  await using network = await NetworkFixture.open();
  const [one, other] = [await network.start(), await network.start()];
  const both = ['--join', one.ready.listen, '--join', other.ready.listen];
  const refusal = await refusedStart(network, ['--data', path.join(network.folder, 'joiner'), ...both]);
  assert.deepEqual([refusal.exit, refusal.code], [1, 'other-network'], refusal.message);
  assert.match(refusal.message, /different networks.*Join one of them/);
});
