import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { CertifiedNetwork, day } from '../../test/fixtures/certified.ts';
import { ChordialError } from '../errors.ts';
import { hostIdOfPublicKey } from './host-id.ts';
import { decodeInvite, encodeInvite, type Invite, invitingAddresses, isInvite } from './invite.ts';

const network = new CertifiedNetwork();
const inviter = network.member('anna', { rights: ['store', 'publish', 'invite'] });
const invite: Invite = {
  network: network.id,
  host: inviter.identity.host,
  addresses: ['192.0.2.7:4848', '[2001:db8::7]:4848', 'peer.example.org:4848'],
  expires: network.now + day,
  papers: network.papers({ uses: 3 }, inviter.members),
};
const line = encodeInvite(invite);
const isBad = (error: unknown): boolean =>
  error instanceof ChordialError && error.code === 'bad-invite' && /Copy the whole line again/.test(error.message);

function wrapped(value: unknown): string {
  const payload = encode(value);
  const sum = hash('sha256', payload, 'buffer').subarray(0, 4);
  return `chordial:${Buffer.concat([payload, sum]).toString('base64url')}`;
}

test('A3 B3 an invite is one line, and says the same when it comes back', () => {
  assert.match(line, /^chordial:[\w-]+$/);
  assert.deepEqual(decodeInvite(line), invite);
  const open = { ...invite, papers: null };
  assert.deepEqual(decodeInvite(encodeInvite(open)), open);
  // A mail program breaks it.
  assert.deepEqual(decodeInvite(` ${line.slice(0, 70)}\r\n  ${line.slice(70)}\n`), invite);
});

test('A3 B3 the format of an invite keeps its fixture', () => {
  const plain = { network: 'ab'.repeat(32), host: hostIdOfPublicKey(new Uint8Array(32).fill(9)), papers: null };
  assert.equal(
    encodeInvite({ ...plain, addresses: ['192.0.2.7:4848'], expires: 1_800_000_000_000 }),
    'chordial:iAJYIKurq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urWCAJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCYFuMTkyLjAuMi43OjQ4NDgbAAABoxhcUAD29vao1sKZ',
  );
});

test('A3 B3 no character of an invite can be lost, added or changed without being told', () => {
  fc.assert(
    fc.property(fc.nat(line.length - 1), fc.constantFrom('', 'A', 'z', '-', '+', '=', '§', 'AA'), (at, by) => {
      const mangled = line.slice(0, at) + by + line.slice(at + 1);
      // Letters of the prefix may be of either case, and the last character has bits that say nothing.
      fc.pre(mangled.toLowerCase() !== line.toLowerCase() && at < line.length - 1);
      assert.throws(() => decodeInvite(mangled), isBad);
    }),
  );
});

test('A3 B3 whatever somebody hands in is an invite or refused, and nothing else', () => {
  const whole = fc.array(fc.anything({ withBigInt: false, withDate: false, maxDepth: 2 }), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `chordial:${text}`),
      ),
      (text) => {
        assert.throws(() => decodeInvite(text), isBad);
      },
    ),
  );
  fc.assert(
    fc.property(whole, (value) => {
      let text: string;
      try {
        text = wrapped(value);
      } catch {
        // What DAG-CBOR cannot say never comes.
        return;
      }
      assert.throws(() => decodeInvite(text), isBad);
    }),
  );
  const { addresses, expires, papers } = invite;
  const id = Uint8Array.from(Buffer.from(invite.network, 'hex'));
  const key = inviter.identity.publicKey;
  const { ticket, seed } = papers!;
  const own = papers!.inviter!.bytes;
  assert.deepEqual(decodeInvite(wrapped([2, id, key, addresses, expires, ticket.bytes, seed, own])), invite);
  for (const fields of [
    [1, id, key, addresses, expires, ticket.bytes, seed, own],
    [2, id.subarray(1), key, addresses, expires, ticket.bytes, seed, own],
    [2, id, key.subarray(1), addresses, expires, ticket.bytes, seed, own],
    [2, id, key, [], expires, ticket.bytes, seed, own],
    [2, id, key, ['nowhere'], expires, ticket.bytes, seed, own],
    [2, id, key, ['192.0.2.7:0'], expires, ticket.bytes, seed, own],
    [2, id, key, Array(9).fill('192.0.2.7:4848'), expires, ticket.bytes, seed, own],
    [2, id, key, addresses, -1, ticket.bytes, seed, own],
    [2, id, key, addresses, expires, ticket.bytes.subarray(1), seed, own],
    [2, id, key, addresses, expires, ticket.bytes, new Uint8Array(31), own],
    [2, id, key, addresses, expires, ticket.bytes, new Uint8Array(32), own],
    [2, id, key, addresses, expires, ticket.bytes, seed, own.subarray(1)],
  ]) {
    assert.throws(() => decodeInvite(wrapped(fields)), isBad);
  }
  assert.throws(() => decodeInvite(`chordial:${'A'.repeat(100_000)}`), isBad);
});

test('A3 B3 an invite leads to no loopback address where there is another', () => {
  assert.deepEqual(invitingAddresses(['192.0.2.7:1', '127.0.0.1:1']), ['192.0.2.7:1']);
  assert.deepEqual(invitingAddresses(['127.0.0.1:1']), ['127.0.0.1:1']);
  assert.equal(isInvite('  Chordial:abc'), true);
  assert.equal(isInvite('peer.example.org:4848'), false);
});
