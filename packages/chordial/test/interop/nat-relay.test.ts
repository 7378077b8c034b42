/** What carries the bytes between two hidden peers ends. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';
import { Namespaces } from './namespaces.ts';
import { fetched, fileBytes, names, neighbourhood } from './neighbourhood.ts';

test('B10 a get between two homes goes on within 5 s when its relay is killed', async (t) => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const { peers, machines } = await neighbourhood(net, network, ['--relay-rate', '4M']);
  const folder = path.join(network.folder, 'films');
  await mkdir(folder);
  const film = randomBytes(fileBytes);
  await writeFile(path.join(folder, 'film.bin'), film);
  const shared = await network.command(['share', folder], peers.anna);
  assert.equal(shared.exit, 0, shared.stderr);
  const name = 'film.bin';
  await until('it is found', async () => (await peers.carl.request(`/api/v1/files/${name}`, { method: 'HEAD' })).ok);
  const relayed = async (peer: PeerProcess) => {
    const [, bytes = '0'] =
      /^chordial_relayed_bytes_total (\d+)/m.exec(await (await peer.request('/metrics')).text()) ?? [];
    return Number(bytes);
  };
  const before = new Map([
    [peers.first, await relayed(peers.first)],
    [peers.second, await relayed(peers.second)],
  ]);
  const got = await peers.carl.request(`/api/v1/files/${name}`);
  assert.ok(got.ok, `${got.status}`);
  const pieces: Buffer[] = [];
  const killed: PeerProcess[] = [];
  let [killedAt, longestPause, last] = [0, 0, performance.now()];
  let bytes = 0;
  for await (const piece of got.body!) {
    pieces.push(Buffer.from(piece));
    bytes += piece.length;
    const now = performance.now();
    if (killedAt > 0) longestPause = Math.max(longestPause, now - last);
    last = now;
    if (killedAt === 0 && bytes > fileBytes / 4) {
      for (const [relay, sofar] of before) {
        if ((await relayed(relay)) - sofar < 1_000_000) continue;
        await relay.kill9();
        killed.push(relay);
        killedAt = performance.now();
        last = killedAt;
        break;
      }
      assert.ok(killedAt > 0, 'a relay carries it');
    }
  }
  assert.ok(film.equals(Buffer.concat(pieces)));
  t.diagnostic(`longest pause ${Math.round(longestPause)} ms`);
  assert.ok(longestPause < 5000, `${Math.round(longestPause)} ms without a byte`);

  const left = names.map((one) => peers[one]).filter((peer) => !killed.includes(peer));
  await until('those that are left are one ring', () => network.isIdeal(left), 60_000);
  await peers.carl.stop();
  const carl = await network.restart(peers.carl, { enter: machines.carl.enter });
  await until('Carl is back', () => network.isIdeal([...left.filter((peer) => peer !== peers.carl), carl]), 60_000);
  assert.ok(film.equals(await fetched(carl, name)));
});
