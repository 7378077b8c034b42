import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { Namespaces, peerPort } from './namespaces.ts';

test('two machines on one switch form a network by their addresses, put 30 MB there and get them', async () => {
  await using lan = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const cable = await lan.switch('switch');
  const [one, two] = [await lan.host('one'), await lan.host('two')];
  await cable.plug(one, { address: '10.1.0.1/24' });
  await cable.plug(two, { address: '10.1.0.2/24' });
  const first = await one.startPeer(network);
  const invite = (await network.command(['invite'], first)).text.trim();
  const second = await two.startPeer(network, { invite });
  await until('one ring of two', () => network.isIdeal([first, second]), 60_000);
  const { peers } = await first.json<{ peers: readonly { address: string }[] }>('/api/v1/peers');
  assert.ok(
    peers.some(({ address }) => address === `10.1.0.2:${peerPort}`),
    JSON.stringify(peers),
  );

  const file = randomBytes(30_000_000);
  const put = await first.request('/api/v1/files/film.bin', { method: 'PUT', body: file });
  assert.ok(put.ok, await put.text());
  const got = await second.request('/api/v1/files/film.bin');
  assert.ok(file.equals(Buffer.from(await got.arrayBuffer())));
});
