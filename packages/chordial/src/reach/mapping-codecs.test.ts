import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { natOf } from './address-kind.ts';
import { gatewayInCommand, gatewayInRoutes } from './gateway.ts';
import { decodeNatPmpAddress, decodeNatPmpMap, encodeNatPmpMap } from './nat-pmp.ts';
import { decodePcpAnswer, encodePcpMap, type PcpWish } from './pcp.ts';

const nonce = Buffer.from('000102030405060708090a0b', 'hex');
const pcpWish: PcpWish = {
  clientAddress: '192.168.1.2',
  nonce,
  internalPort: 4848,
  externalPort: 4848,
  seconds: 3600,
};
/** The answer of a router that maps port 5000 of 203.0.113.5 for an hour. */
const pcpAnswer = Buffer.from(
  '0281000000000e1000000001000000000000000000000000000102030405060708090a0b0600000012f0138800000000000000000000ffffcb007105',
  'hex',
);

test('B10 a PCP request has the bytes of RFC 6887', () => {
  assert.equal(
    encodePcpMap(pcpWish).toString('hex'),
    '0201000000000e1000000000000000000000ffffc0a80102000102030405060708090a0b0600000012f012f000000000000000000000ffff00000000',
  );
});

test('B10 a PCP answer counts with version, opcode, nonce, protocol and port of the request only', () => {
  assert.deepEqual(decodePcpAnswer(pcpAnswer, pcpWish), {
    kind: 'mapped',
    externalPort: 5000,
    externalAddress: '203.0.113.5',
    seconds: 3600,
  });
  for (const [at, value] of [
    [1, 0x01],
    [1, 0x82],
    [24, 0xff],
    [35, 0xff],
    [36, 17],
    [40, 0],
  ] as const) {
    const wrong = Buffer.from(pcpAnswer);
    wrong[at] = value;
    assert.equal(decodePcpAnswer(wrong, pcpWish), null, `${at}`);
  }
  const cut = [0, 3, 23, 59, 61].map((length) => Buffer.concat([pcpAnswer, Buffer.alloc(2000)]).subarray(0, length));
  for (const one of [...cut, Buffer.concat([pcpAnswer, Buffer.alloc(1100)])])
    assert.equal(decodePcpAnswer(one, pcpWish), null, `${one.length}`);
  const ipv6 = Buffer.from(pcpAnswer);
  ipv6[44] = 0x20;
  const answer = decodePcpAnswer(ipv6, pcpWish);
  assert.equal(answer?.kind === 'mapped' ? answer.externalAddress : 'none', null);
});

test('B10 PCP errors, and the answer of a router that only speaks NAT-PMP', () => {
  const refused = Buffer.from(pcpAnswer);
  refused[3] = 2;
  assert.deepEqual(decodePcpAnswer(refused, pcpWish), { kind: 'failed', code: 2 });
  assert.deepEqual(decodePcpAnswer(refused.subarray(0, 24), pcpWish), { kind: 'failed', code: 2 });
  refused[30] = 0xff;
  assert.equal(decodePcpAnswer(refused, pcpWish), null);
  assert.deepEqual(decodePcpAnswer(Buffer.from('0081000100000001', 'hex'), pcpWish), { kind: 'other-version' });
  assert.equal(decodePcpAnswer(Buffer.from('0001000100000001', 'hex'), pcpWish), null);
});

test('B10 NAT-PMP requests and answers have the bytes of RFC 6886', () => {
  const wish = { internalPort: 4848, externalPort: 4848, seconds: 3600 };
  assert.equal(encodeNatPmpMap(wish).toString('hex'), '0002000012f012f000000e10');
  const mapped = Buffer.from('008200000000000112f0138800000e10', 'hex');
  assert.deepEqual(decodeNatPmpMap(mapped, wish), { kind: 'mapped', externalPort: 5000, seconds: 3600 });
  assert.equal(decodeNatPmpMap(mapped, { ...wish, internalPort: 4849 }), null);
  assert.equal(decodeNatPmpMap(mapped.subarray(0, 15), wish), null);
  assert.equal(decodeNatPmpMap(Buffer.concat([mapped, Buffer.alloc(1)]), wish), null);
  assert.deepEqual(decodeNatPmpMap(Buffer.from('0082000200000001', 'hex'), wish), { kind: 'failed', code: 2 });
  const address = Buffer.from('0080000000000001cb007105', 'hex');
  assert.deepEqual(decodeNatPmpAddress(address), { kind: 'address', address: '203.0.113.5' });
  assert.equal(decodeNatPmpAddress(mapped), null);
  assert.equal(decodeNatPmpAddress(address.subarray(0, 8)), null);
});

test('L whatever a router sends, the decoders return or take it for no answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1200 }), fc.nat(3), (bytes, version) => {
      const message = Buffer.from(bytes);
      if (message.length > 1) message[0] = version;
      decodePcpAnswer(message, pcpWish);
      decodeNatPmpMap(message, pcpWish);
      decodeNatPmpAddress(message);
    }),
  );
});

test('B10 the default gateway is that of the default route with the least metric', () => {
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
  const row = (destination: string, gateway: string, flags: string, metric = 0): string =>
    `eth0\t${destination}\t${gateway}\t${flags}\t0\t0\t${metric}\t${destination === '00000000' ? '00000000' : '00FFFFFF'}\t0\t0\t0   \n`;
  const lan = row('0001A8C0', '00000000', '0001');
  const slow = row('00000000', '0102A8C0', '0003', 600);
  const fast = row('00000000', '0101A8C0', '0003', 100);
  assert.equal(gatewayInRoutes(head + slow + fast + lan), '192.168.1.1');
  assert.equal(gatewayInRoutes(head + fast + slow), '192.168.1.1');
  for (const none of ['', head + lan, head + row('00000000', '0101A8C0', '0001'), head + row('00000000', 'zz', '0003')])
    assert.equal(gatewayInRoutes(none), null);
  assert.equal(
    gatewayInCommand('   route to: default\ndestination: default\n    gateway: 192.168.1.1\n'),
    '192.168.1.1',
  );
  for (const none of ['', '    gateway: link#4\n', 'gateway: fe80::1%en0\n'])
    assert.equal(gatewayInCommand(none), null);
});

test('B10 the external address tells a second router and the NAT of a provider', () => {
  for (const [address, nat] of [
    ['203.0.113.5', 'public'],
    ['100.63.255.255', 'public'],
    ['100.64.0.1', 'carrier'],
    ['100.127.255.255', 'carrier'],
    ['10.0.0.1', 'private'],
    ['172.31.0.1', 'private'],
    ['192.168.0.1', 'private'],
    ['0.0.0.0', 'unknown'],
    ['127.0.0.1', 'unknown'],
    ['239.255.255.250', 'unknown'],
    ['nonsense', 'unknown'],
    [null, 'unknown'],
  ] as const)
    assert.equal(natOf(address), nat, `${address}`);
});
