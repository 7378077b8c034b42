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

test('loopback is told to peers of this machine only', () => {
  const own = new OwnContact(host, { advertise: 'peer.example.org:1' });
  own.bind({ host: '0.0.0.0', port: 4848 });
  assert.deepEqual(own.for('127.0.0.1', '127.0.0.1').addresses, ['peer.example.org:1', '127.0.0.1:4848']);
  assert.deepEqual(own.for('192.0.2.1', '192.0.2.1').addresses, ['peer.example.org:1', '127.0.0.1:4848']);
  assert.deepEqual(own.for('192.0.2.2', '192.0.2.1').addresses, ['peer.example.org:1']);
  assert.throws(() => new OwnContact(host, { advertise: 'me' }), { code: 'bad-address' });
});
