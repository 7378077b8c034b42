/** The classic example: seven peers 2 4 5 8 9 14 19 on a ring of 256 places. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { LookupResult, NodeStatus, StorageListing } from '../../src/node/peer.ts';
import { NetworkFixture } from './network-fixture.ts';
import { refusedStart } from './refusal.ts';
import { until } from './until.ts';

const ids = [2, 4, 5, 8, 9, 14, 19] as const;
const hexadecimal = (id: number): string => id.toString(16).padStart(2, '0');

test('A13 A14 A24 A10 peers 2 4 5 8 9 14 19 keep the file 2067 at 19, and show it', async () => {
  await using network = await NetworkFixture.open();
  const flags = (id: number) => ['--id', String(id), '--ping', '300'];
  const first = await network.start({ flags: [...flags(ids[0]), '--bits', '8'] });
  const rest = await Promise.all(ids.slice(1).map((id) => network.start({ join: first, flags: flags(id) })));
  const ring = [first, ...rest];
  await until('one ring of seven', () => network.isIdeal(ring), 20_000);
  assert.deepEqual(
    ring.map(({ ready }) => ready.ringId),
    ids.map(hexadecimal),
  );

  const put = await network.command(['put', '-', '--name', '2067'], ring[3], { input: 'stored at 19' });
  assert.equal(put.exit, 0, put.stderr);
  const owner = ring.at(-1)!;
  const looked = (await network.command(['lookup', '2067', '--json'], ring[1])).json<LookupResult>();
  assert.deepEqual([looked.key, looked.owner.ringId, looked.owner.id], ['13', '13', owner.ready.id]);
  // 2067 mod 256 = 19 = 0x13; the copies lie behind it, across zero.
  assert.deepEqual(
    looked.replicas.map(({ ringId }) => ringId),
    [19, 2, 4].map(hexadecimal),
  );
  const kept = await owner.json<StorageListing>('/api/v1/storage?role=primary');
  assert.deepEqual(
    kept.names.map(({ name }) => name),
    ['2067'],
  );
  const copy = await ring[0]!.json<StorageListing>('/api/v1/storage?role=replica');
  assert.deepEqual(
    copy.names.map(({ name }) => name),
    ['2067'],
  );
  // 20 mod 256 has no peer at or behind it before zero: peer 2 owns it.
  const across = await ring[4]!.json<LookupResult>('/api/v1/lookup/20');
  assert.equal(across.owner.ringId, '02');
  const got = await network.command(['get', '2067', '-o', '-'], ring[6]);
  assert.equal(got.text, 'stored at 19');

  // One finger is looked up per round of stabilise, and in a quiet ring the rounds become rare.
  const exactFingers = async () => {
    const states = await Promise.all(ring.map((peer) => peer.json<NodeStatus>('/api/v1/node')));
    return states.every(({ fingers }) =>
      fingers.every(({ start, node }) => node?.ringId === hexadecimal(successorOf(Number.parseInt(start, 16)))),
    );
  };
  await until('exact fingers', exactFingers, 60_000);
  const shown = await network.command(['ring'], ring[2]);
  assert.match(shown.text, /predecessor +04/);
  assert.match(shown.text, /successor +08/);

  for (const [id, code, reason] of [
    ['8', 'id-taken', /The ring id 8 is taken by another live peer. Choose another with --id/],
    ['256', 'bad-usage', /--id 256 does not fit a ring of 8 bits. Give a number from 0 to 255/],
  ] as const) {
    const data = path.join(network.folder, `joiner-${id}`);
    const refusal = await refusedStart(network, ['--data', data, '--join', first.ready.listen, '--id', id]);
    assert.equal(refusal.code, code, refusal.message);
    assert.match(refusal.message, reason);
  }
  // The one that was refused takes a free place with the same folder.
  const late = await network.start({ data: 'joiner-8', join: first, flags: flags(25) });
  assert.equal(late.ready.ringId, '19');
  await until('one ring of eight', () => network.isIdeal([...ring, late]), 20_000);
  assert.equal((await late.json<LookupResult>('/api/v1/lookup/20')).owner.ringId, '19');
});

function successorOf(place: number): number {
  return ids.find((id) => id >= place) ?? ids[0];
}
