import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { Namespaces, peerPort } from './namespaces.ts';

/** A public machine, and one behind a router, or behind two of which the outer one is a carrier's. */
async function behindRouters(net: Namespaces, routers: 1 | 2) {
  const outside = await net.switch('outside');
  const shop = await net.host('public');
  await outside.plug(shop, { address: '203.0.113.1/24' });
  const home = await net.switch('home');
  let beyond = { network: outside, place: { address: '203.0.113.9/24' } as { address: string; gateway?: string } };
  if (routers === 2) {
    const carrier = await net.switch('carrier');
    const inside = { network: carrier, place: { address: '100.64.0.1/10' } };
    await net.router('carrier-router', { inside, outside: beyond });
    beyond = { network: carrier, place: { address: '100.64.0.9/10', gateway: '100.64.0.1' } };
  }
  const inside = { network: home, place: { address: '192.168.1.1/24' } };
  await net.router('home-router', { inside, outside: beyond });
  const hidden = await net.host('hidden');
  await home.plug(hidden, { address: '192.168.1.2/24', gateway: '192.168.1.1' });
  return { shop, hidden };
}

for (const routers of [1, 2] as const) {
  test(`a client behind ${routers === 1 ? 'a router' : 'the routers of its home and its carrier'} gets 30 MB from a public peer, and no one dials it`, async () => {
    await using net = await Namespaces.open();
    await using network = await NetworkFixture.open();
    const { shop, hidden } = await behindRouters(net, routers);
    const first = await shop.startPeer(network);
    const invite = (await network.command(['invite'], first)).text.trim();
    const client = await hidden.startPeer(network, { invite, flags: ['--quota', '0'] });
    const file = randomBytes(30_000_000);
    const put = await first.request('/api/v1/files/film.bin', { method: 'PUT', body: file });
    assert.ok(put.ok, await put.text());
    const got = await client.request('/api/v1/files/film.bin');
    assert.ok(file.equals(Buffer.from(await got.arrayBuffer())));

    const dial = (address: string) => ['timeout', '3', 'bash', '-c', `exec 3<>/dev/tcp/${address}/${peerPort}`];
    await hidden.exec(dial('203.0.113.1'));
    await hidden.exec(dial('192.168.1.2'));
    await shop.ip('route', 'add', '192.168.1.0/24', 'via', '203.0.113.9');
    for (const address of ['203.0.113.9', '192.168.1.2'])
      await assert.rejects(shop.exec(dial(address)), 'a router lets in what no one inside asked for');
  });
}
