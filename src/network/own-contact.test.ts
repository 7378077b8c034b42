import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIdentity } from './identity.ts';
import { OwnContact } from './own-contact.ts';

const { host } = createIdentity();

test('what others see is advertised when bound to all, and nothing a liar invents', () => {
  const own = new OwnContact(host, {});
  assert.equal(own.everywhere.addresses.length, 0);
  own.bind({ host: '0.0.0.0', port: 4848 });
  own.observe('198.51.100.9');
  for (const lie of ['not an address', '127.0.0.1', '198.51.100.10', '198.51.100.11']) own.observe(lie);
  const { addresses } = own.everywhere;
  assert.ok(addresses.includes('198.51.100.9:4848'));
  assert.ok(!addresses.includes('198.51.100.11:4848'));
  assert.ok(addresses.length <= 8);
  assert.equal(addresses.at(-1), '127.0.0.1:4848');
});

test('loopback is told to peers of this machine only', () => {
  const own = new OwnContact(host, { advertise: 'peer.example.org:1' });
  own.bind({ host: '0.0.0.0', port: 4848 });
  assert.deepEqual(own.for('127.0.0.1', '127.0.0.1').addresses, ['peer.example.org:1', '127.0.0.1:4848']);
  assert.deepEqual(own.for('192.0.2.1', '192.0.2.1').addresses, ['peer.example.org:1', '127.0.0.1:4848']);
  assert.deepEqual(own.for('192.0.2.2', '192.0.2.1').addresses, ['peer.example.org:1']);
  assert.throws(() => new OwnContact(host, { advertise: 'me' }), { code: 'bad-address' });
});
