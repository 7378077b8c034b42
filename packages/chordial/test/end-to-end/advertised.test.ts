import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkFixture } from './network-fixture.ts';

/** Closed ports: the discard port of a documentation address, and of this machine. */
const places = ['192.0.2.9:9', '127.0.0.1:9'];

test('rough: libershare#21 an address that others do not reach is named, with the peer that tried it', async () => {
  await using network = await NetworkFixture.open();
  const first = await network.start();
  for (const place of places) {
    const flags = ['--listen', '127.0.0.1:0', '--api', '127.0.0.1:0', '--join', first.ready.listen];
    const data = ['--data', `${network.folder}/told-${place.replaceAll(/\W/g, '-')}`];
    const { exit, stderr } = await network.command(['start', ...flags, ...data, '--advertise', place]);
    assert.equal(exit, 1, stderr);
    assert.ok(stderr.includes(`the peer at ${first.ready.listen} tried to reach this one at ${place}`), stderr);
    assert.match(stderr, /--advertise/);
  }
});
