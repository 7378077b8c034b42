import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';
import { Avahi, heardAt, nearby, PythonZeroconf } from './multicast-dns.ts';
import { Namespaces, peerPort } from './namespaces.ts';

async function inviteOf(network: NetworkFixture, peer: PeerProcess): Promise<string> {
  const { exit, text, stderr } = await network.command(['invite'], peer);
  assert.equal(exit, 0, stderr);
  return text.trim();
}

test('B10 avahi beside a peer and zeroconf on another machine resolve the peers, see one take its leave, and a taken name is left to the other', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const [{ host: one }, { host: two }, { host: three }] = await net.neighbours('one', 'two', 'three');
  await using zeroconf = new PythonZeroconf(three);
  await using avahi = await Avahi.start(two);
  const first = await one.startPeer(network);
  const second = await two.startPeer(network, { invite: await inviteOf(network, first) });

  const seen = await until('avahi resolves both', async () => {
    const found = await avahi.browse();
    const addresses = new Set(found.map(({ address }) => address));
    return addresses.has('10.1.0.1') && addresses.has('10.1.0.2') && found;
  });
  for (const { port, texts, label } of seen) {
    assert.equal(port, peerPort);
    assert.match(label, /^[0-9a-f]{16}$/);
    assert.match(texts.join(' '), /^net=[0-9a-f]{16} v=1$/);
  }
  assert.equal(new Set(seen.flatMap(({ texts }) => texts.filter((text) => text.startsWith('net=')))).size, 1);
  const labelAt = (address: string) => seen.find((found) => found.address === address)!.label;
  for (const address of ['10.1.0.1', '10.1.0.2']) {
    const found = await until(`zeroconf resolves ${address}`, () =>
      zeroconf.added.find((it) => it.address === address),
    );
    assert.deepEqual([found.port, found.label, found.texts.length], [peerPort, labelAt(address), 2]);
  }
  await until('the peers know each other nearby', async () => (await nearby(first)).networks[0]?.members.length === 1);

  zeroconf.claim(labelAt('10.1.0.1'), '10.1.0.3', 9);
  const renamed = await until('the peer has another name', () =>
    zeroconf.added.find(({ address, label }) => address === '10.1.0.1' && label !== labelAt('10.1.0.1')),
  );
  await until('the others know the new one', async () =>
    (await avahi.browse()).some(({ label, address }) => label === renamed.label && address === '10.1.0.1'),
  );

  await second.stop();
  await until('zeroconf sees it leave', () => zeroconf.removed.includes(labelAt('10.1.0.2')));
  await until('the peer too', async () => !(await heardAt(first)).includes(`10.1.0.2:${peerPort}`));
});

/** Shows a key, and tells of each that comes whether it showed one. */
const listener = `
const { createServer } = require('node:tls');
const { cert, key } = JSON.parse(process.argv[1]);
const options = { cert, key, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] };
createServer(options, (socket) => console.log(socket.getPeerX509Certificate() === undefined ? 'no key' : 'key'))
  .on('connection', () => console.log('asked'))
  .on('tlsClientError', () => console.log('gone'))
  .listen(4848, () => console.log('listening'));`;

test('B10 one that repeats the tag of a network is asked for its key, and is shown none', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const [{ host: one }, { host: two }] = await net.neighbours('one', 'two');
  const [program = '', ...rest] = [...two.enter, process.execPath, '-e', listener];
  const { cert, key } = tlsCredentials(createIdentity());
  const child = spawn(program, [...rest, JSON.stringify({ cert, key })], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const said: string[] = [];
    createInterface(child.stdout).on('line', (line) => said.push(line));
    await until('it listens', () => said.shift() === 'listening');
    const peer = await one.startPeer(network);
    await using zeroconf = new PythonZeroconf(two);
    const { texts } = await until('its tag is known', () => zeroconf.added[0]);
    zeroconf.claim('0123456789abcdef', '10.1.0.2', peerPort, ...texts);
    await until('it is heard', async () => (await nearby(peer)).networks[0]?.peers === 1);
    await until('it was asked and left', () => said.includes('gone'));
    assert.ok(!said.includes('key'), said.join());
    assert.deepEqual((await nearby(peer)).networks[0]?.members, []);
  } finally {
    child.kill('SIGKILL');
  }
});

test('B10 where there is only IPv6, peers that listen on it find each other', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const cable = await net.switch('switch');
  const [one, two] = [await net.host('one'), await net.host('two')];
  await cable.plug(one, { address: 'fd00:1::1/64' });
  await cable.plug(two, { address: 'fd00:1::2/64' });
  await using avahi = await Avahi.start(two);
  const listen = `[::]:${peerPort}`;
  const first = await one.startPeer(network, { listen });
  const second = await two.startPeer(network, { listen, invite: await inviteOf(network, first) });
  await until('both are heard', async () => {
    const heard = [await heardAt(first), await heardAt(second)];
    return heard[0]!.includes(`[fd00:1::2]:${peerPort}`) && heard[1]!.includes(`[fd00:1::1]:${peerPort}`);
  });
  const addresses = (await avahi.browse()).map(({ address }) => address);
  assert.deepEqual(addresses.sort(), ['fd00:1::1', 'fd00:1::2']);
});

test('B10 peers are heard on two interfaces, and on one that is added later', async () => {
  await using net = await Namespaces.open();
  await using network = await NetworkFixture.open();
  const [home, office] = [await net.switch('home'), await net.switch('office')];
  const [both, atHome, atOffice] = [await net.host('both'), await net.host('home-host'), await net.host('office-host')];
  await home.plug(both, { address: '10.1.0.1/24' });
  await home.plug(atHome, { address: '10.1.0.2/24' });
  await office.plug(atOffice, { address: '10.2.0.3/24' });
  const first = await both.startPeer(network);
  await atHome.startPeer(network, { invite: await inviteOf(network, first) });
  const third = await atOffice.startPeer(network);
  await until('one is heard at home', async () => (await heardAt(first)).join() === `10.1.0.2:${peerPort}`);
  assert.deepEqual(await heardAt(third), []);
  await office.plug(both, { address: '10.2.0.1/24' });
  await until('the office is heard too', async () => (await heardAt(first)).includes(`10.2.0.3:${peerPort}`));
  await until('and hears it', async () => (await heardAt(third)).join() === `10.2.0.1:${peerPort}`);
  const { networks, interfaces } = await nearby(first);
  assert.deepEqual(
    networks.map(({ isOwn, peers, interfaces: where }) => [isOwn, peers, where]),
    [
      [true, 1, ['eth0']],
      [false, 1, ['eth1']],
    ],
  );
  assert.ok(interfaces.every(({ echoes, fault }) => echoes > 0 && fault === null));
  const doctor = await network.command(['doctor'], first, { environment: await network.environment() });
  assert.match(doctor.text, /1 peer of this network on eth0, at 10\.1\.0\.2:4848/);
  assert.match(doctor.text, /1 peer of another network \([0-9a-f]{16}\) on eth1, at 10\.2\.0\.3:4848/);
});
