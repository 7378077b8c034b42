/** Port mapping where the port is taken, the peer crashes, or the router has no public address, against miniupnpd. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launcher, runCommand } from '../end-to-end/command.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';
import { homeBehind, nodeOf, outsideOfRouter, rule, startShops } from './mapped-home.ts';
import { Miniupnpd } from './miniupnpd.ts';
import { Namespaces, peerPort } from './namespaces.ts';

test('B10 where another machine has the port, the peer gets the next one, and others learn it by its proved address', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const { shops, router, lan, hidden } = await homeBehind(net);
  const neighbour = await net.host('neighbour');
  await lan.plug(neighbour, { address: '192.168.1.3/24', gateway: '192.168.1.1' });
  await using daemon = await Miniupnpd.start(router, { natPmp: false, isVersion1: true });
  await neighbour.exec(['upnpc', '-a', '192.168.1.3', `${peerPort}`, `${peerPort}`, 'TCP']);
  const [one] = await startShops(network, shops);
  const invite = (await network.command(['invite'], one)).text.trim();
  const client = await hidden.startPeer(network, { invite, flags: ['--quota', '0'] });
  const proved = `${outsideOfRouter}:${peerPort + 1}`;
  await until(
    'it is open at the next port',
    async () => (await nodeOf(client)).reach.address === proved && (await nodeOf(client)).reach.state === 'open',
    60_000,
  );
  assert.match((await nodeOf(client)).portMapping.text, /maps 20\.0\.0\.9:4849 by UPnP/);
  assert.match(await daemon.rules(), /dport 4849.* dnat ip to 192\.168\.1\.2:4848/);
  await client.stop();
  const after = await daemon.rules();
  assert.doesNotMatch(after, /192\.168\.1\.2/);
  assert.match(after, /dport 4848.* dnat ip to 192\.168\.1\.3:4848/);
});

test('B10 after a crash the mapping is taken over and removed at a stop, and a start that is given up removes it too', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const { shops, router, hidden } = await homeBehind(net);
  await using daemon = await Miniupnpd.start(router);
  const [one, two] = await startShops(network, shops);
  const invite = (await network.command(['invite'], one)).text.trim();
  const flags = ['--quota', '0'];
  const client = await hidden.startPeer(network, { data: 'client', invite, flags });
  const isMapped = (peer: PeerProcess) => async () => (await nodeOf(peer)).portMapping.state === 'mapped';
  await until('it is mapped', isMapped(client));
  await client.kill9();
  assert.match(await daemon.rules(), rule);
  const again = await hidden.startPeer(network, { data: 'client', flags });
  await until('it is mapped again', isMapped(again));
  // Another nonce would be refused, and another protocol tried.
  assert.match((await nodeOf(again)).portMapping.text, /by PCP/);
  await again.stop();
  assert.doesNotMatch(await daemon.rules(), rule);

  await one!.kill9();
  await two!.kill9();
  const waiting = ['start', '--json', '--data', client.dataFolder, '--listen', `0.0.0.0:${peerPort}`, ...flags];
  const started = Promise.withResolvers<number>();
  const command = [...hidden.enter, launcher, ...waiting, '--api', '127.0.0.1:0'];
  const options = { folder: network.folder, environment: await network.environment(), deadlineMilliseconds: 90_000 };
  const running = runCommand(command, options, started.resolve);
  await until('the router maps it', async () => rule.test(await daemon.rules()), 60_000);
  process.kill(await started.promise, 'SIGINT');
  const { exit, text, stderr } = await running;
  assert.notEqual(exit, 0);
  assert.doesNotMatch(text, /"event":"ready"/, stderr);
  assert.doesNotMatch(await daemon.rules(), rule);
});

/** miniupnpd refuses there and hides its address, so that the doctor names both. */
for (const [what, outside] of [
  ['a second router', '10.9.9.9'],
  ['the NAT of a provider', '100.64.0.9'],
] as const) {
  test(`B10 behind ${what} the doctor says so`, async () => {
    await using net = await Namespaces.open();
    await using network = await NetworkFixture.open();
    const { shops, router, hidden } = await homeBehind(net, outside);
    await using daemon = await Miniupnpd.start(router);
    const [one] = await startShops(network, shops);
    const invite = (await network.command(['invite'], one)).text.trim();
    const client = await hidden.startPeer(network, { invite, flags: ['--quota', '0'] });
    await until('it is refused', async () => (await nodeOf(client)).portMapping.state === 'refused', 30_000);
    const { text } = await network.command(['doctor'], client);
    assert.match(
      text,
      /port mapping: 192\.168\.1\.1, the router, refused.*no public address itself.*double NAT.*carrier NAT/,
    );
    assert.doesNotMatch(await daemon.rules(), rule);
  });
}
