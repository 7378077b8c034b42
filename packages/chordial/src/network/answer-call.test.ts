import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from './answer-call.ts';
import { createIdentity } from './identity.ts';
import { decodeCall, encodeCall, newToken } from './relay-messages.ts';

test('a relay is not let into the networks of a hidden host', () => {
  const isDialled = (at: string, dialled: string): boolean => addressOf({ at }, { dialled }) !== null;
  const elsewhere = '8.8.4.4:4848';
  for (const at of ['8.8.8.8:1', '[2600::1]:1']) assert.ok(isDialled(at, elsewhere), at);
  const within = [
    '192.168.1.1:80',
    '10.0.0.1:80',
    '169.254.169.254:80',
    '100.64.0.1:80',
    '[fd00::1]:80',
    '[::ffff:10.0.0.1]:80',
  ];
  for (const at of within) {
    assert.ok(!isDialled(at, elsewhere), at);
    assert.ok(isDialled(at, '192.168.1.7:4848'), at);
  }
  for (const at of ['127.0.0.1:80', '[::1]:80', '[::ffff:127.0.0.1]:80', '[::ffff:7f00:1]:80', '[0:0::1]:80']) {
    assert.ok(!isDialled(at, '192.168.1.7:4848'), at);
    assert.ok(isDialled(at, '127.0.0.1:4848'), at);
  }
  for (const at of ['0.0.0.0:80', '[::]:80', '[0::0]:80', '[::ffff:0:0]:80'])
    assert.ok(!isDialled(at, '127.0.0.1:4848'), at);
  assert.deepEqual(addressOf({ at: null }, { dialled: elsewhere }), { host: '8.8.4.4', port: 4848 });
});

test('a call leads to an address, never to a name', () => {
  const decoded = (at: string) => {
    const frame = encodeCall(1, { token: newToken(), back: { from: createIdentity().host, at, purpose: 'control' } });
    const kindEnd = 9 + frame[8]!;
    return decodeCall(frame.toString('latin1', 9, kindEnd), frame.subarray(kindEnd));
  };
  assert.equal(decoded('192.0.2.1:4848')?.back?.at, '192.0.2.1:4848');
  for (const at of ['localhost:80', 'router.example:80', '[fe80::1%eth0]:80', ':80'])
    assert.throws(() => decoded(at), at);
});
