import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdentity } from './identity.ts';
import { OwnContact } from './own-contact.ts';

const { host } = createIdentity();

test('what others see is advertised when bound to all, and nothing that is no address', () => {
  const own = new OwnContact(host, {});
  assert.equal(own.everywhere.addresses.length, 0);
  own.bind({ host: '0.0.0.0', port: 4848 });
  own.observe(createIdentity().host, '198.51.100.9');
  for (const lie of ['not an address', '127.0.0.1']) own.observe(createIdentity().host, lie);
  const { addresses } = own.everywhere;
  assert.ok(addresses.includes('198.51.100.9:4848'));
  assert.ok(addresses.length <= 8);
  assert.equal(addresses.at(-1), '127.0.0.1:4848');
});

test('L the first liars do not settle where this peer is: each host has one say, and most hosts are believed', () => {
  const own = new OwnContact(host, { observed: ['203.0.113.1'] });
  own.bind({ host: '0.0.0.0', port: 4848 });
  const [liar, other] = [createIdentity().host, createIdentity().host];
  for (let count = 1; count < 100; count++) own.observe(liar, `203.0.113.${count + 1}`);
  own.observe(other, '203.0.113.250');
  const observed = () => own.everywhere.addresses.filter((address) => /^(?:203|198)/.test(address));
  assert.equal(observed().length, 2);
  for (let count = 0; count < 3; count++) own.observe(createIdentity().host, '198.51.100.9');
  assert.equal(observed()[0], '198.51.100.9:4848');
  for (let count = 0; count < 2; count++) own.observe(createIdentity().host, '198.51.100.10');
  assert.deepEqual(observed(), ['198.51.100.9:4848', '198.51.100.10:4848']);
});

test('a zone that was given holds; else it is that of the first public address at the start, whatever others see later', () => {
  const zoneOf = (options: ConstructorParameters<typeof OwnContact>[1], bound = '0.0.0.0') => {
    const own = new OwnContact(host, options);
    own.bind({ host: bound, port: 4848 });
    own.observe(createIdentity().host, '9.9.9.9');
    assert.equal(own.for('8.8.8.8', '192.168.0.2').zone, own.everywhere.zone);
    return own.everywhere.zone;
  };
  assert.equal(zoneOf({ zone: 'attic', observed: ['1.2.3.4'] }), 'attic');
  assert.equal(zoneOf({ observed: ['192.168.0.7', '1.2.3.4'] }), '1.2.3.0-24');
  assert.equal(zoneOf({}, '1.2.3.4'), '1.2.3.0-24');
  assert.equal(zoneOf({ advertise: '5.6.7.8:1' }, '127.0.0.1'), '5.6.7.0-24');
  assert.equal(zoneOf({}, '127.0.0.1'), undefined);
});

test('loopback is told to peers of this machine only', () => {
  const own = new OwnContact(host, { advertise: 'peer.example.org:1' });
  own.bind({ host: '0.0.0.0', port: 4848 });
  assert.deepEqual(own.for('127.0.0.1', '127.0.0.1').addresses, ['peer.example.org:1', '127.0.0.1:4848']);
  assert.deepEqual(own.for('192.0.2.1', '192.0.2.1').addresses, ['peer.example.org:1', '127.0.0.1:4848']);
  assert.deepEqual(own.for('192.0.2.2', '192.0.2.1').addresses, ['peer.example.org:1']);
  assert.throws(() => new OwnContact(host, { advertise: 'me' }), { code: 'bad-address' });
});

test('B10 an address at which members reached this peer is told after those of its interfaces, and no longer when it is not', () => {
  const own = new OwnContact(host, {});
  own.bind({ host: '0.0.0.0', port: 4848 });
  const before = own.everywhere.addresses;
  own.observe(createIdentity().host, '198.51.100.9');
  own.prove('203.0.113.5:5000');
  const { addresses } = own.everywhere;
  assert.deepEqual(addresses.slice(-3), ['203.0.113.5:5000', '198.51.100.9:4848', '127.0.0.1:4848']);
  assert.ok(own.for('192.0.2.2', '192.0.2.1').addresses.includes('203.0.113.5:5000'));
  own.prove(null);
  assert.ok(!own.everywhere.addresses.includes('203.0.113.5:5000'));
  const bound = new OwnContact(host, {});
  bound.bind({ host: '192.168.1.2', port: 4848 });
  bound.prove('203.0.113.5:5000');
  assert.deepEqual(bound.everywhere.addresses, ['192.168.1.2:4848', '203.0.113.5:5000']);
  assert.ok(before.length > 0);
});

test('B10 relays come last, within the eight addresses, and those that hold the contact see them', () => {
  let moves = 0;
  const own = new OwnContact(host, {}, () => {
    moves += 1;
  });
  const { everywhere } = own;
  own.bind({ host: '0.0.0.0', port: 4848 });
  const direct = everywhere.addresses;
  const relays = [1, 2, 3].map((number) => `relay:${createIdentity().host}@192.0.2.${number}:4848`);
  own.reachThrough(relays);
  assert.deepEqual(everywhere.addresses, [...direct.slice(0, 5), ...relays]);
  own.reachThrough([...relays]);
  assert.equal(moves, 1);
  own.reachThrough([]);
  assert.deepEqual([everywhere.addresses, moves], [direct, 2]);
});

test('what is known of this host follows its interfaces; what others saw of the old ones is forgotten', () => {
  let moves = 0;
  const own = new OwnContact(host, {}, () => moves++);
  const held = own.everywhere;
  own.interfacesChanged();
  own.bind({ host: '0.0.0.0', port: 4848 });
  own.interfacesChanged();
  assert.equal(moves, 0);
  own.observe(createIdentity().host, '198.51.100.9');
  assert.ok(held.addresses.includes('198.51.100.9:4848'));
  own.interfacesChanged();
  assert.equal(held.addresses.includes('198.51.100.9:4848'), false);
  assert.equal(moves, 2);

  const bound = new OwnContact(host, {}, () => moves++);
  bound.bind({ host: '127.0.0.1', port: 4848 });
  bound.interfacesChanged();
  assert.equal(moves, 2);
});

test('L one host that says this one is elsewhere, each time at another address, does not move it', () => {
  let moves = 0;
  const own = new OwnContact(host, {}, () => moves++);
  own.bind({ host: '0.0.0.0', port: 4848 });
  for (const witness of [createIdentity().host, createIdentity().host]) own.observe(witness, '198.51.100.9');
  assert.equal(moves, 1);
  const liar = createIdentity().host;
  for (let number = 1; number < 200; number++) own.observe(liar, `203.0.113.${number}`);
  assert.equal(moves, 1);
  assert.ok(!own.everywhere.addresses.some((address) => address.startsWith('203.0.113.')));
});
