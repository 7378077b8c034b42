import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeStatus, PeerStatus } from '../../src/client/answers.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { nearby } from './multicast-dns.ts';
import { Namespaces } from './namespaces.ts';

test('B10 a peer whose network moved to other addresses while all were stopped returns to it at once', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const machines = await net.neighbours('one', 'two');
  const [one, two] = [machines[0].host, machines[1].host];
  const interfaces = machines.map(({ link }) => link);
  const first = await one.startPeer(network);
  const second = await two.startPeer(network, { invite: (await network.command(['invite'], first)).text.trim() });
  await until('one ring of two', () => network.isIdeal([first, second]), 60_000);
  await Promise.all([first.stop(), second.stop()]);
  // With a way to everywhere, where the old addresses are silent.
  await interfaces[0]!.move({ address: '172.16.5.7/24', gateway: '172.16.5.1' });
  await interfaces[1]!.move({ address: '172.16.5.9/24', gateway: '172.16.5.1' });
  const again = await network.restart(first, { enter: one.enter });
  const began = performance.now();
  const back = await network.restart(second, { enter: two.enter });
  const seconds = (performance.now() - began) / 1000;
  assert.ok(!back.lines.some((line) => line.includes('founding it again')), back.describe());
  await until('one ring of two', () => network.isIdeal([again, back]), 60_000);
  assert.ok(seconds < 30, `${seconds} s`);
});

test('B10 a running network that moves to other addresses as a whole is one ring again', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const machines = await net.neighbours('one', 'two', 'three');
  const hosts = machines.map(({ host }) => host);
  const interfaces = machines.map(({ link }) => link);
  const first = await hosts[0]!.startPeer(network);
  const peers = [first];
  for (const host of hosts.slice(1)) {
    const invite = (await network.command(['invite'], first)).text.trim();
    peers.push(await host.startPeer(network, { invite }));
  }
  await until('one ring of three', () => network.isIdeal(peers), 60_000);
  for (const [index, one] of interfaces.entries()) {
    await one.move({ address: `172.16.5.${index + 7}/24`, gateway: '172.16.5.1' });
  }
  await until('all are alive, and known where they are', async () => {
    const lists = await Promise.all(
      peers.map((peer) => peer.json<{ readonly peers: readonly PeerStatus[] }>('/api/v1/peers')),
    );
    const shown = lists.flatMap((list) => list.peers.map(({ state, address }) => `${state} ${address}`));
    return shown.every((one) => one.startsWith('alive 172.16.5.'));
  });
  await until('one ring of three again', () => network.isIdeal(peers), 60_000);
});

test('B10 join --lan lists the networks nearby and joins with an invite that leads nowhere any more', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const cable = await net.switch('switch');
  const [one, two, three] = [await net.host('one'), await net.host('two'), await net.host('three')];
  const moving = await cable.plug(one, { address: '10.1.0.1/24' });
  await cable.plug(two, { address: '172.16.5.9/24', gateway: '172.16.5.1' });
  await cable.plug(three, { address: '172.16.5.10/24' });
  const first = await one.startPeer(network);
  await three.startPeer(network);
  const invite = (await network.command(['invite'], first)).text.trim();
  await first.stop();
  await moving.move({ address: '172.16.5.7/24' });
  const again = await network.restart(first, { enter: one.enter });
  const joined = await two.startPeer(network, { invite, flags: ['--lan'] });
  const said = joined.errorLines.join('\n');
  assert.equal(said.match(/network [0-9a-f]{16}: 1 peer at 172\.16\.5\.(?:7|10):4848/g)?.length, 2, said);
  await until('one ring of two', () => network.isIdeal([again, joined]), 60_000);
});

test('B10 where multicast is blocked a network forms by addresses, and the doctor says so; with --lan off nothing is said', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const [{ host: one }, { host: two }] = await net.neighbours('one', 'two');
  await one.blockMulticast();
  const first = await one.startPeer(network);
  const second = await two.startPeer(network, {
    invite: (await network.command(['invite'], first)).text.trim(),
    flags: ['--lan', 'off'],
  });
  await until('one ring of two', () => network.isIdeal([first, second]), 60_000);
  const [blocked] = (await nearby(first)).interfaces;
  assert.ok(blocked !== undefined && (blocked.fault !== null || blocked.echoes === 0), JSON.stringify(blocked));
  const doctor = await network.command(['doctor'], first, { environment: await network.environment() });
  assert.match(doctor.text, /note {2}local network: .*eth0.*5353/);
  assert.equal((await second.json<NodeStatus>('/api/v1/node?fingers=none')).lan, null);
});
