import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkFixture } from './network-fixture.ts';

test('rough: doctor --api of a running peer looks at that peer, as URL and as address, and is told of one that is not there', async () => {
  await using network = await NetworkFixture.open();
  const [first, second] = await network.startRing(2);
  for (const api of [first!.apiUrl, first!.ready.api]) {
    const { exit, text } = await network.command(['doctor', '--api', api]);
    assert.equal(exit, 0, text);
    assert.match(text, /running peer: state member, 2 hosts in the ring/);
    assert.match(text, new RegExp(`ok +peer .* at ${second!.ready.listen}: answers`));
    assert.doesNotMatch(text, /BAD|another program/);
  }
  const url = first!.apiUrl;
  await first!.kill9();
  const { exit, text } = await network.command(['doctor', '--api', url]);
  assert.equal(exit, 1);
  assert.match(text, /BAD +running peer: /);
});

test('rough: doctor of a data folder whose peer runs looks at that peer, and tells a peer of another folder from another program', async () => {
  await using network = await NetworkFixture.open();
  const peer = await network.start();
  const own = await network.command(['doctor', '--data', peer.dataFolder]);
  assert.equal(own.exit, 0, own.text);
  assert.match(own.text, /running peer: state member, 1 host/);
  const other = await network.command([
    'doctor',
    '--data',
    `${network.folder}/other`,
    '--api',
    peer.ready.api,
    '--lan',
    'off',
    '--json',
  ]);
  assert.equal(other.exit, 0, other.text);
  const elsewhere = await network.command(['doctor', '--data', `${network.folder}/other`], undefined, {
    environment: {
      ...(await network.environment()),
      CHORDIAL_API: peer.ready.api,
      CHORDIAL_LISTEN: peer.ready.listen,
    },
  });
  assert.equal(elsewhere.exit, 0, elsewhere.text);
  assert.match(elsewhere.text, /note +running peer: another peer runs here/);
});
