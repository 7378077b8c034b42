import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

test('A3 A26 all killed and started again with the flags they had, the joiner first: one ring', async () => {
  await using network = await NetworkFixture.open();
  const first = await network.start({ data: 'first' });
  const second = await network.start({ data: 'second', join: first });
  await until('one ring of two', () => network.isIdeal([first, second]));
  await Promise.all([first.kill9(), second.kill9()]);
  // No one is at the address of --join yet.
  const joiner = await network.start({ data: 'second', join: first.ready.listen });
  const founder = await network.start({ data: 'first', listen: first.ready.listen });
  assert.equal(joiner.ready.id, second.ready.id);
  await until('one ring of two again', () => network.isIdeal([joiner, founder]));
});

test('A9 a peer that is killed and started again at once soon says for sure what is not there', async () => {
  await using network = await NetworkFixture.open();
  const [first, other] = (await network.startRing(2)) as [PeerProcess, PeerProcess];
  await until('one ring of two', () => network.isIdeal([first, other]));
  let peer: PeerProcess = first;
  for (let restarts = 0; restarts < 6; restarts++) {
    await peer.kill9();
    peer = await network.restart(peer);
    const { status } = await other.request(`/api/v1/files/never-put-${restarts}`);
    assert.equal(status, 404);
  }
});
