/** Port mapping against miniupnpd, with upnpc, natpmpc and nftables as second opinions. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { homeBehind, nodeOf, outsideOfRouter, rule, startShops } from './mapped-home.ts';
import { Miniupnpd } from './miniupnpd.ts';
import { Namespaces, peerPort } from './namespaces.ts';

for (const [protocol, options, opinion] of [
  ['PCP', {}, ['natpmpc', '-g', '192.168.1.1']],
  ['UPnP', { natPmp: false }, ['upnpc', '-l']],
  ['UPnP', { natPmp: false, isVersion1: true }, ['upnpc', '-l']],
] as const) {
  const device = 'isVersion1' in options ? ' version 1' : '';
  test(`B10 a peer behind a router gets its port by ${protocol}${device}, others dial it there, and a stop gives it back`, async () => {
    await using net = await Namespaces.open();
    await using network = await NetworkFixture.open();
    const { shops, router, hidden } = await homeBehind(net);
    await using daemon = await Miniupnpd.start(router, options);
    const [one, two] = await startShops(network, shops);
    const invite = (await network.command(['invite'], one)).text.trim();
    const peer = await hidden.startPeer(network, { invite });
    const node = await until(
      'it is mapped, and two members reached it',
      async () => {
        const now = await nodeOf(peer);
        return now.portMapping.state === 'mapped' && now.reach.text.startsWith('2 members dialled') ? now : null;
      },
      60_000,
    );
    assert.match(node.portMapping.text, new RegExp(`maps ${outsideOfRouter}:${peerPort} by ${protocol}, until 2`));
    assert.equal(node.reach.address, `${outsideOfRouter}:${peerPort}`);
    assert.match(await daemon.rules(), rule);
    const said = await hidden.exec([...opinion]);
    assert.match(said, protocol === 'PCP' ? /Public IP address : 20\.0\.0\.9/ : /TCP +4848->192\.168\.1\.2:4848/, said);
    const doctor = (await network.command(['doctor'], peer)).text;
    assert.match(doctor, /ok +port mapping: 192\.168\.1\.1, the router, maps 20\.0\.0\.9:4848/);
    assert.match(doctor, /ok +reached by others: 2 members dialled this peer back at 20\.0\.0\.9:4848/);

    await until('one ring of three', () => network.isIdeal([one!, two!, peer]), 60_000);
    const file = randomBytes(3_000_000);
    const put = await peer.request('/api/v1/files/film.bin', { method: 'PUT', body: file });
    assert.ok(put.ok, await put.text());
    const got = await two!.request('/api/v1/files/film.bin');
    assert.ok(file.equals(Buffer.from(await got.arrayBuffer())));

    await peer.stop();
    assert.doesNotMatch(await daemon.rules(), rule);
  });
}
