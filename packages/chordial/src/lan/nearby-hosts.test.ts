import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import type { HeardPeer } from './heard-peers.ts';
import { NearbyHosts } from './nearby-hosts.ts';
import { networkTag } from './service.ts';

/** Keys by address; proofs end when the test lets them. */
function near(keys: Readonly<Record<string, string>>) {
  const time = virtualClock();
  let heard: readonly HeardPeer[] = [];
  let tell = () => {};
  const dialled: string[] = [];
  let looks = 0;
  const nearby = new NearbyHosts({
    clock: time.clock,
    networkId: 'net',
    lan: {
      get heard() {
        looks += 1;
        return heard;
      },
      onHeard: (listener) => {
        tell = listener;
        return () => {};
      },
    },
    hostAt: async (address) => {
      dialled.push(address);
      const key = keys[address];
      if (key === undefined) throw new Error('not there');
      return key as HostId;
    },
    isMember: (host) => host.startsWith('member'),
  });
  const hear = async (peers: readonly HeardPeer[]) => {
    heard = peers;
    tell();
    time.pass(100);
    await settled();
  };
  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 500) {
      time.pass(500);
      await settled();
    }
  };
  return { nearby, dialled, hear, pass, time, tell: () => tell(), looks: () => looks };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function heardAt(address: string, changes: Partial<HeardPeer> = {}): HeardPeer {
  const tag = networkTag('net', virtualClock().clock.wallTime());
  return {
    label: `at-${address}`,
    link: 'eth0',
    source: address,
    tag,
    door: null,
    port: 4848,
    addresses: [address],
    ...changes,
  };
}

const host = (name: string) => name as HostId;

test('B10 a member that shows its key is known at that address, and no longer when it is not heard', async () => {
  const { nearby, hear } = near({ '10.0.0.2:4848': 'member-b', '10.0.0.3:4848': 'stranger' });
  await hear([heardAt('10.0.0.2'), heardAt('10.0.0.3'), heardAt('10.0.0.4')]);
  assert.deepEqual(nearby.addressesOf(host('member-b')), ['10.0.0.2:4848']);
  assert.deepEqual(nearby.addressesOf(host('stranger')), []);
  assert.deepEqual(nearby.contacts, [{ host: 'member-b', addresses: ['10.0.0.2:4848'] }]);
  assert.equal(nearby.hostOf('at-10.0.0.2'), 'member-b');
  await hear([heardAt('10.0.0.3')]);
  assert.deepEqual(nearby.contacts, []);
});

test('B10 peers of other networks are not dialled', async () => {
  const { dialled, hear } = near({});
  await hear([heardAt('10.0.0.2', { tag: networkTag('other', 0) }), heardAt('10.0.0.3', { tag: null })]);
  assert.deepEqual(dialled, []);
});

test('B10 where no one answers, and where a stranger is, it is tried again after a while only', async () => {
  const { dialled, hear, pass } = near({ '10.0.0.3:4848': 'stranger' });
  await hear([heardAt('10.0.0.2'), heardAt('10.0.0.3')]);
  await pass(300_000);
  assert.equal(dialled.filter((address) => address === '10.0.0.3:4848').length, 1);
  const tries = dialled.filter((address) => address === '10.0.0.2:4848').length;
  assert.ok(tries >= 4 && tries <= 6, `${tries} in five minutes`);
});

test('B10 a peer that answers at its second address is known there', async () => {
  const { nearby, hear, pass } = near({ '10.0.0.9:4848': 'member-b' });
  await hear([heardAt('10.0.0.2', { addresses: ['10.0.0.2', '10.0.0.9'] })]);
  await pass(2000);
  assert.deepEqual(nearby.addressesOf(host('member-b')), ['10.0.0.9:4848']);
});

test('B10 a thousand invented peers are dialled a few a second, and a true one has its turn among them', async () => {
  const { nearby, dialled, hear, pass } = near({ '10.0.0.2:4848': 'member-b' });
  const invented = Array.from({ length: 990 }, (_, index) =>
    heardAt(`10.0.${1 + Math.floor(index / 250)}.${index % 250}`, { source: `10.0.0.${100 + (index % 30)}` }),
  );
  await hear(invented);
  await pass(20_000);
  assert.ok(dialled.length <= 30, `${dialled.length} dialled in 20 s`);
  await hear([...invented, heardAt('10.0.0.2')]);
  await pass(5000);
  assert.deepEqual(nearby.addressesOf(host('member-b')), ['10.0.0.2:4848']);
});

test('L a flood of changes is looked at a few times a second', async () => {
  const { tell, pass, looks } = near({});
  for (let change = 0; change < 1000; change++) tell();
  await pass(500);
  assert.ok(looks() <= 3, `${looks()} looks`);
});
