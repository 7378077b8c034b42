/**
 * Honest peers among hostile ones, the short form of `npm run faults -- hostile`: each attack lasts a moment, in which every
 * honest peer reads and puts.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { type RunningPeer, startPeer } from '../../src/peer/start-peer.ts';
import { runtimeFolder } from '../../src/storage/runtime-folder.ts';
import { withFolder } from '../fixtures/temporary-folder.ts';
import { until } from '../fixtures/until.ts';
import { HostileChild } from '../hostile/hostile-child.ts';

/** Those that take more of the machine than others have left for it are for the long form. */
const chosen = [
  ...['wrong blocks', 'owns every key', 'points to no one', 'redirects for ever', 'false states', 'forged answers'],
  ...[
    'answers never end',
    'answers too long',
    'answers nonsense',
    'forged records',
    'forged shares',
    'beyond all bounds',
  ],
  ...[
    'false claims',
    'false news',
    'nonsense',
    'nonsense in bulk',
    'bad bodies',
    'bad questions',
    'bad frames',
    'bad bulk frames',
    'hoards exchanges',
    'bodies held back',
  ],
];
const attackMilliseconds = 150;
const deadlineMilliseconds = 30_000;

async function honestPeers(
  folder: string,
  count: number,
  opened: AsyncDisposableStack,
): Promise<readonly RunningPeer[]> {
  const peers: RunningPeer[] = [];
  const loopback = { host: '127.0.0.1', port: 0 };
  while (peers.length < count) {
    const join = peers.slice(0, 1).map((peer) => peer.status('none').listen);
    const data = path.join(folder, `peer-${peers.length}`);
    const peer = await startPeer({ listen: loopback, api: loopback, data, join, virtualNodes: 17 });
    opened.defer(() => peer.stop());
    peers.push(peer);
  }
  await until('all know each other', () => peers.every((peer) => peer.status('none').hosts === count), 20_000);
  return peers;
}

async function bytesOf(peer: RunningPeer, name: string, publisher: string): Promise<Buffer> {
  const { cid } = await peer.files.resolve({ name, publisher });
  const pieces: Uint8Array[] = [];
  for await (const piece of peer.files.read(cid)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

test('honest peers go on reading and putting whatever hostile ones do', { timeout: 110_000 }, () =>
  withFolder(amidAttacks),
);

async function amidAttacks(folder: string): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const peers = await honestPeers(folder, 3, opened);
  const files = new Map<string, { bytes: Buffer; publisher: string }>();
  const put = async (peer: RunningPeer, name: string, size: number) => {
    const bytes = randomBytes(size);
    const { publisher } = await peer.files.put(name, onePiece(bytes));
    files.set(name, { bytes, publisher });
  };
  for (const [place, peer] of peers.entries()) await put(peer, `before ${place}.bin`, place === 0 ? 2_500_000 : 5000);

  await using hostile = await HostileChild.start(
    { through: peers[0]!.status('none').listen, runtime: runtimeFolder(), hosts: 2 },
    () => {},
  );
  const targets = peers.map((peer) => {
    const { id, listen } = peer.status('none');
    return { contact: { host: id as HostId, addresses: [listen] }, port: Number(listen.split(':')[1]) };
  });
  for (const [turn, name] of chosen.entries()) {
    const attack = hostile.attack(name, attackMilliseconds, targets);
    const peer = peers[turn % peers.length]!;
    const [file, { bytes, publisher }] = [...files][(turn * 5) % files.size]!;
    // Asked again until it comes, as a patient user would; what comes must be right.
    const read = until(`${file} amid ${name}`, () => bytesOf(peer, file, publisher), deadlineMilliseconds);
    assert.equal((await read).equals(bytes), true, `${name}: wrong bytes of ${file}`);
    await attack;
    if (turn % 4 === 0) await put(peer, `amid ${name}.bin`, 2000);
  }
  for (const [place, [file, { bytes, publisher }]] of [...files].entries()) {
    const peer = peers[place % peers.length]!;
    const read = await until(`${file} in the end`, () => bytesOf(peer, file, publisher), deadlineMilliseconds);
    assert.equal(read.equals(bytes), true, `wrong bytes of ${file}`);
  }
  const refused = peers.map((peer) => peer.refusals());
  assert.deepEqual(
    refused.map((counters) => counters['handler-failed']),
    [0, 0, 0],
  );
  const total = refused.flatMap((counters) => Object.values(counters)).reduce((sum, count) => sum + count, 0);
  assert.ok(total > 0, 'nothing was refused');
  // While the hostile ones are still there, so that no one waits until they are found dead.
  await Promise.all(peers.map((peer) => peer.stop()));
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
