import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';
import { heardAt } from './multicast-dns.ts';
import { type Interface, Namespaces, peerPort } from './namespaces.ts';

/** What is promised: from being back until every other peer reaches it. */
const promisedMilliseconds = 10_000;
const downMilliseconds = 20_000;
const sleepMilliseconds = 60_000;
const count = 4;

/** Peers of one network, each on a machine of its own, the last of which will move. */
class MovingNetwork implements AsyncDisposable {
  readonly peers: PeerProcess[] = [];
  readonly #net: Namespaces;
  readonly network: NetworkFixture;
  readonly link: Interface;

  private constructor(net: Namespaces, network: NetworkFixture, peers: readonly PeerProcess[], link: Interface) {
    this.#net = net;
    this.network = network;
    this.peers.push(...peers);
    this.link = link;
  }

  static async open(): Promise<MovingNetwork> {
    const net = await Namespaces.open();
    const network = await NetworkFixture.open();
    const cable = await net.switch('switch');
    const peers: PeerProcess[] = [];
    let link: Interface | null = null;
    let invite: string | null = null;
    for (let number = 1; number <= count; number++) {
      const host = await net.host(`host-${number}`);
      link = await cable.plug(host, { address: `10.1.0.${number}/24` });
      const peer = await host.startPeer(network, invite === null ? {} : { invite });
      invite ??= (await network.command(['invite', '--uses', '9'], peer)).text.trim();
      peers.push(peer);
    }
    await until('one ring', () => network.isIdeal(peers), 60_000);
    return new MovingNetwork(net, network, peers, link!);
  }

  get moving(): PeerProcess {
    return this.peers.at(-1)!;
  }

  get others(): readonly PeerProcess[] {
    return this.peers.slice(0, -1);
  }

  /**
   * Until every other peer has fetched from the one that moved what it alone holds, knows it by its new address, and the
   * ring is one again; milliseconds of each.
   */
  async reached(address: string): Promise<{ readonly read: number; readonly ring: number }> {
    const since = performance.now();
    const { id } = this.moving.ready;
    await until(
      'every other peer reads from it, and knows its address',
      async () => {
        const seen = await Promise.all(this.others.map((peer) => shownAt(peer, id)));
        assert.deepEqual(
          seen.map((one) => `${one?.state} at ${one?.address}`),
          seen.map(() => `alive at ${address}:${peerPort}`),
        );
        const browsed = await Promise.all(this.others.map((peer) => peer.request(`/api/v1/peers/${id}/files`)));
        assert.ok(browsed.every(({ ok }) => ok));
        return true;
      },
      60_000,
    );
    const read = performance.now() - since;
    await until('one ring', () => this.network.isIdeal(this.peers), 60_000);
    return { read, ring: performance.now() - since };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
    await this.#net[Symbol.asyncDispose]();
  }
}

async function shownAt(peer: PeerProcess, id: string) {
  const { peers } = await peer.json<{ peers: readonly { id: string; state: string; address: string }[] }>(
    '/api/v1/peers',
  );
  return peers.find((one) => one.id === id);
}

async function checkReached(t: TestContext, net: MovingNetwork, address: string): Promise<void> {
  const { read, ring } = await net.reached(address).catch((cause: Error) => {
    throw new Error([cause.message, ...net.peers.map((peer) => peer.describe())].join('\n'), { cause });
  });
  t.diagnostic(`reached by all after ${(read / 1000).toFixed(1)} s, one ring after ${(ring / 1000).toFixed(1)} s`);
  assert.ok(read <= promisedMilliseconds, `reached after ${read} ms`);
  const file = randomBytes(100_000);
  assert.ok((await net.moving.request('/api/v1/files/new', { method: 'PUT', body: file })).ok);
  for (const peer of net.others) {
    const got = await peer.request('/api/v1/files/new');
    assert.ok(file.equals(Buffer.from(await got.arrayBuffer())));
  }
}

// Each waits most of its time.
describe('peers that come and go', { concurrency: 2 }, () => {
  test('B10 a peer that vanished without a word is no longer heard after two minutes, one that was stopped at once', async () => {
    await using net = await Namespaces.open();
    await using network = await NetworkFixture.open();
    const [{ host: one }, { host: two }, { host: three }] = await net.neighbours('one', 'two', 'three');
    const first = await one.startPeer(network);
    const { text: invite } = await network.command(['invite'], first);
    const second = await two.startPeer(network, { invite: invite.trim() });
    const third = await three.startPeer(network);
    await until('both are heard', async () => (await heardAt(first)).length === 2);
    await second.kill9();
    await third.stop();
    await until('one is forgotten', async () => (await heardAt(first)).join() === `10.1.0.2:${peerPort}`);
    await until('both are', async () => (await heardAt(first)).length === 0, 130_000);
  });

  test('a peer with a new lease is reached at its new address within 10 s', async (t) => {
    await using net = await MovingNetwork.open();
    await net.link.move({ address: '10.1.0.99/24' });
    await checkReached(t, net, '10.1.0.99');
  });

  test('a peer whose cable was out for 20 s, and that has another address then, is reached within 10 s', async (t) => {
    await using net = await MovingNetwork.open();
    await net.link.down();
    await wait(downMilliseconds);
    await net.link.up({ address: '10.1.0.99/24' });
    await checkReached(t, net, '10.1.0.99');
  });

  test('a peer that slept for 60 s is reached within 10 s', async (t) => {
    await using net = await MovingNetwork.open();
    process.kill(net.moving.pid, 'SIGSTOP');
    await wait(sleepMilliseconds);
    process.kill(net.moving.pid, 'SIGCONT');
    await checkReached(t, net, `10.1.0.${count}`);
  });
});
