import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeardPeer } from './heard-peers.ts';
import { networksOf } from './networks.ts';

function heard(label: string, tag: string | null, changes: Partial<HeardPeer> = {}): HeardPeer {
  return { label, link: 'eth0', source: '10.0.0.2', tag, door: null, port: 4848, addresses: ['10.0.0.2'], ...changes };
}

test('B10 a peer heard from several sources counts once, the own network comes first, whichever day its peers have', () => {
  const peers = [
    heard('a', 'x'),
    heard('a', 'x', { source: 'fe80::1' }),
    heard('b', 'x', { link: 'wlan0', addresses: ['10.0.1.2', '2001:db8::2'] }),
    heard('c', 'today'),
    heard('d', 'yesterday', { port: 5000 }),
    heard('e', null),
  ];
  assert.deepEqual(networksOf(peers, ['today', 'yesterday', 'tomorrow']), [
    { tag: 'today', isOwn: true, peers: 2, addresses: ['10.0.0.2:4848', '10.0.0.2:5000'], interfaces: ['eth0'] },
    {
      tag: 'x',
      isOwn: false,
      peers: 2,
      addresses: ['10.0.0.2:4848', '10.0.1.2:4848', '[2001:db8::2]:4848'],
      interfaces: ['eth0', 'wlan0'],
    },
  ]);
});

test('B10 of a thousand invented networks a few are shown', () => {
  const peers = Array.from({ length: 1000 }, (_, index) => heard(`a${index}`, `t${index}`));
  assert.equal(networksOf(peers, []).length, 32);
});
