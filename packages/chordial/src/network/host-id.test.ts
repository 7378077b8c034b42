import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { hostIdOfPublicKey, isHostId, memberId, memberIdOfHost, publicKeyOfHostId } from './host-id.ts';
import { createIdentity } from './identity.ts';

test('a host id is the libp2p peer id of the key (form)', () => {
  const key = Buffer.from('1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e', 'hex');
  const host = hostIdOfPublicKey(key);
  assert.match(host, /^12D3KooW/);
  assert.equal(host.length, 52);
  assert.deepEqual(Buffer.from(publicKeyOfHostId(host)), key);
});

test('a text that is no peer id is told apart', () => {
  const { host } = createIdentity();
  assert.ok(isHostId(host));
  for (const wrong of [
    '',
    'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    `${host}1`,
    host.slice(0, -1),
    `${host.slice(0, -1)}0`,
    7,
  ]) {
    assert.equal(isHostId(wrong), false, String(wrong));
  }
  assert.throws(() => publicKeyOfHostId('me'), { code: 'bad-request' });
});

test('a member id is the first bits of SHA-256 of key and index', () => {
  const { host, publicKey } = createIdentity();
  const digest = createHash('sha256').update(publicKey).update(Uint8Array.of(19)).digest('hex');
  assert.equal(memberId(publicKey, 19, 256), digest);
  assert.equal(memberId(publicKey, 19, 8), digest.slice(0, 2));
  assert.equal(memberId(publicKey, 19, 3), (Number.parseInt(digest.slice(0, 1), 16) >> 1).toString(16));
  for (const bits of [256, 8, 3, 256]) assert.equal(memberIdOfHost(host, 19, bits), memberId(publicKey, 19, bits));
  assert.throws(() => memberId(publicKey, 64, 256), { code: 'bad-request' });
});
