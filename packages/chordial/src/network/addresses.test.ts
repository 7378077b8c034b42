import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  advertisedAddresses,
  directAddresses,
  formatAddress,
  formatRelay,
  isDialable,
  isHidden,
  isInOwnSubnet,
  isLanAddress,
  isLoopback,
  isOnThisMachine,
  parseAddress,
  relayAddress,
  withoutLoopback,
} from './addresses.ts';
import { createIdentity } from './identity.ts';

test('addresses are read and written', () => {
  for (const text of ['127.0.0.1:4848', '[::1]:1', 'peer-1.example.org:65535', 'localhost:80']) {
    assert.equal(formatAddress(parseAddress(text)), text);
  }
  assert.equal(parseAddress('0.0.0.0:0', true).port, 0);
});

test('a text that is no address says what one looks like', () => {
  const wrong = [
    '',
    '4848',
    'host',
    'host:',
    ':1',
    'host:0',
    'host:65536',
    '::1:80',
    '[::1]',
    '1.2.3.400:1',
    'a b:1',
    'a/b:1',
    `${'x'.repeat(300)}:1`,
  ];
  for (const text of wrong) {
    assert.throws(() => parseAddress(text), { code: 'bad-address', message: /HOST:PORT/ }, text);
    assert.equal(isDialable(text), false, text);
  }
});

test('loopback is known in every notation', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(host), host);
  for (const host of ['128.0.0.1', '::2', 'localhost.example.org', '::ffff:10.0.0.1'])
    assert.ok(!isLoopback(host), host);
});

test('bound to all, a peer advertises its interfaces, what others saw, and loopback last', () => {
  const bound = { host: '0.0.0.0', port: 4848 };
  const interfaces = ['192.0.2.7', '2001:db8::7'];
  assert.deepEqual(advertisedAddresses({ bound, interfaces, observed: ['198.51.100.1', '192.0.2.7'] }), [
    '192.0.2.7:4848',
    '198.51.100.1:4848',
    '127.0.0.1:4848',
  ]);
  assert.deepEqual(advertisedAddresses({ bound, interfaces, advertise: 'me.example.org:99' }), [
    'me.example.org:99',
    '127.0.0.1:4848',
  ]);
  assert.deepEqual(advertisedAddresses({ bound: { host: '127.0.0.1', port: 1 }, interfaces }), ['127.0.0.1:1']);
});

test('bound to loopback, a peer that advertises the forwarder before it is reached through that alone', () => {
  const bound = { host: '127.0.0.1', port: 4848 };
  assert.deepEqual(advertisedAddresses({ bound, advertise: '127.0.0.1:99' }), ['127.0.0.1:99']);
  const outside = { host: '192.0.2.7', port: 4848 };
  assert.deepEqual(advertisedAddresses({ bound: outside, advertise: 'me.example.org:99' }), [
    'me.example.org:99',
    '192.0.2.7:4848',
  ]);
});

test('another machine is told no loopback address', () => {
  assert.deepEqual(withoutLoopback(['127.0.0.1:1', '192.0.2.7:1', '[::1]:1']), ['192.0.2.7:1']);
  assert.ok(isOnThisMachine('127.0.0.1:1', []));
  assert.ok(isOnThisMachine('192.0.2.7:1', ['192.0.2.7']));
  assert.ok(!isOnThisMachine('192.0.2.8:1', ['192.0.2.7']));
});

test('B10 an address of an own subnet is told from one beyond the router, and a name from both', () => {
  const networks = [
    { address: '192.168.1.2', prefix: 24 },
    { address: '2001:db8:1::2', prefix: 64 },
  ];
  for (const near of ['192.168.1.77:4848', '[::ffff:192.168.1.77]:1', '[2001:db8:1::77]:4848'])
    assert.equal(isInOwnSubnet(near, networks), true, near);
  for (const far of ['192.168.2.77:4848', '203.0.113.5:1', '[2001:db8:2::77]:4848', 'peer.example.org:1', 'nonsense'])
    assert.equal(isInOwnSubnet(far, networks), false, far);
  assert.equal(isInOwnSubnet('192.168.1.77:4848', []), false);
  for (const near of ['2001:db8:1::77', '::ffff:192.168.1.77']) assert.equal(isLanAddress(near, networks), true, near);
  for (const far of ['2001:db8:2::77', '203.0.113.5']) assert.equal(isLanAddress(far, networks), false, far);
});

test('B10 an address through a relay names the relay and where it is dialled, and nothing else is one', () => {
  const { host: relay } = createIdentity();
  for (const at of ['192.0.2.7:4848', '[2001:db8::7]:1', 'peer.example.org:65535']) {
    const text = formatRelay({ relay, at });
    assert.deepEqual(relayAddress(text), { relay, at });
    assert.ok(isDialable(text));
  }
  const direct = '192.0.2.7:4848';
  for (const text of [
    `relay:${relay}`,
    `relay:@${direct}`,
    `relay:${relay}@`,
    `relay:${relay}@192.0.2.7`,
    `relay:x@${direct}`,
  ])
    assert.ok(!isDialable(text), text);
  const twice = formatRelay({ relay, at: formatRelay({ relay, at: direct }) });
  assert.ok(!isDialable(twice), 'no relay over a relay');
  assert.throws(() => parseAddress(formatRelay({ relay, at: direct })), { code: 'bad-address' });
  assert.equal(relayAddress(direct), null);
  const both = [direct, formatRelay({ relay, at: direct })];
  assert.deepEqual([directAddresses(both), isHidden({ addresses: both })], [[direct], true]);
  assert.ok(!isHidden({ addresses: [direct] }));
  // It is where the relay is, which says nothing of the host.
  assert.ok(!isOnThisMachine(formatRelay({ relay, at: '127.0.0.1:1' }), []));
  assert.deepEqual(withoutLoopback([formatRelay({ relay, at: '127.0.0.1:1' }), direct]), [direct]);
});
