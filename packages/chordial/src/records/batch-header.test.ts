import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { ChordialError } from '../errors.ts';
import { isDialable } from '../network/addresses.ts';
import { createIdentity, verifySignature } from '../network/identity.ts';
import {
  decodeHeader,
  headerLifetimeMilliseconds,
  isSigned,
  maxBatchEntries,
  maxWithdrawnTags,
  signHeader,
  tagBytes,
  tagOf,
  tagsIn,
  type UnsignedHeader,
  withdrawnOf,
} from './batch-header.ts';
import { HeaderVerifier } from './header-verifier.ts';

const networkId = 'ab'.repeat(32);
const alice = createIdentity();
const header: UnsignedHeader = {
  publisher: alice.host,
  addresses: ['192.0.2.1:4848'],
  number: 1000,
  root: new Uint8Array(32).fill(7),
  leaves: 3,
  entries: 20,
  version: 2000,
  expiry: 2000 + headerLifetimeMilliseconds,
  ended: false,
  withdrawn: withdrawnOf(['00'.repeat(8), 'ff'.repeat(8)]),
};
const sign = (changes: Partial<UnsignedHeader> = {}, who = alice) =>
  signHeader({ ...header, ...changes }, networkId, (bytes) => who.sign(bytes));
const refused = (error: unknown) => error instanceof ChordialError && error.code === 'bad-content';

test('a header survives the way to bytes and back, and is its publisher’s', () => {
  const signed = sign();
  const decoded = decodeHeader(signed.bytes);
  assert.deepEqual(decoded, signed);
  assert.ok(isSigned(decoded, networkId, verifySignature));
});

test('a header signed by another, for another network, or changed afterwards is not', () => {
  assert.equal(isSigned(sign({}, createIdentity()), networkId, verifySignature), false);
  assert.equal(isSigned(sign(), 'cd'.repeat(32), verifySignature), false);
  const signed = sign();
  for (const change of [{ entries: 21 }, { version: 2001 }, { ended: true }, { withdrawn: new Uint8Array() }])
    assert.equal(isSigned({ ...signed, ...change }, networkId, verifySignature), false);
});

test('a header out of its bounds is refused', () => {
  const wrong: Partial<UnsignedHeader>[] = [
    { root: new Uint8Array(31) },
    { leaves: 0 },
    { leaves: 21 },
    { entries: maxBatchEntries + 1 },
    { version: 999 },
    { expiry: 2000 },
    { expiry: 2001 + headerLifetimeMilliseconds },
    { addresses: ['a'.repeat(262)] },
    { addresses: Array.from({ length: 9 }, () => '192.0.2.1:4848') },
    { withdrawn: new Uint8Array(7) },
    { withdrawn: new Uint8Array(2 * tagBytes) },
    { withdrawn: Buffer.concat([new Uint8Array(8).fill(2), new Uint8Array(8).fill(1)]) },
  ];
  for (const changes of wrong) assert.throws(() => decodeHeader(sign(changes).bytes), refused, JSON.stringify(changes));
});

test('a header of all files of a full batch is taken, one more tag is not', () => {
  const tags = Array.from({ length: maxWithdrawnTags + 1 }, (_, tag) => tag.toString(16).padStart(2 * tagBytes, '0'));
  assert.equal(tagsIn(decodeHeader(sign({ withdrawn: withdrawnOf(tags.slice(1)) }).bytes)).size, maxWithdrawnTags);
  assert.throws(() => decodeHeader(sign({ withdrawn: withdrawnOf(tags) }).bytes), refused);
});

test('anything else is refused, never anything worse', () => {
  const valid = sign().bytes;
  const damaged = fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Uint8Array.from(valid);
    bytes[at] = byte;
    return bytes;
  });
  const hostile = fc.oneof(fc.uint8Array(), damaged, fc.array(fc.anything(), { maxLength: 12 }).map(encoded));
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        const decoded = decodeHeader(bytes);
        // What is still a header is either the same or not signed.
        assert.equal(isSigned(decoded, networkId, verifySignature), Buffer.compare(bytes, valid) === 0);
      } catch (error) {
        assert.ok(refused(error), String(error));
      }
    }),
  );
});

test('a header ahead of the clock is not kept but read; refused is a forged one or one without a right address, also when it comes again', () => {
  const verifier = new HeaderVerifier({
    networkId,
    verify: verifySignature,
    clock: { wallTime: () => 1_000_000 },
    isAddress: isDialable,
  });
  assert.equal(verifier.read(sign().bytes).number, 1000);
  assert.equal(verifier.read(sign().bytes).number, 1000);
  const early = sign({ version: 1_600_001, expiry: 1_600_002 });
  const ahead = (error: unknown) => error instanceof ChordialError && error.code === 'wrong-clock';
  for (let time = 1; time <= 2; time++) assert.throws(() => verifier.readCurrent(early.bytes), ahead);
  assert.equal(verifier.read(early.bytes).version, 1_600_001);
  const forged = sign({}, createIdentity());
  const nowhere = sign({ addresses: ['nowhere'] });
  for (const { bytes } of [forged, forged, nowhere]) assert.throws(() => verifier.read(bytes), refused);
});

test('name and postings of one file have one tag, its content another', () => {
  const subject = Buffer.from('a name\0root');
  const posting = Buffer.concat([Buffer.from('word\0'), subject]);
  assert.equal(tagOf({ kind: 'name', subject }), tagOf({ kind: 'posting', subject: posting }));
  assert.notEqual(tagOf({ kind: 'name', subject }), tagOf({ kind: 'provider', subject: Buffer.from('root') }));
});

test('the wire format of a header keeps its fixture', () => {
  const fixed = {
    ...header,
    publisher: '12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq' as typeof header.publisher,
  };
  const { bytes } = signHeader(fixed, networkId, () => new Uint8Array(64).fill(1));
  assert.equal(Buffer.from(bytes).toString('hex'), headerFixture);
});

const headerFixture = [
  '8b7834313244334b6f6f574a576f61715a6844616f454673684637526831627059396f68696846687a6357366436394c72324e41537571',
  '816e3139322e302e322e313a34383438',
  '1903e8',
  `5820${'07'.repeat(32)}`,
  '03141907d01a0036f650f4',
  `50${'00'.repeat(8)}${'ff'.repeat(8)}`,
  `5840${'01'.repeat(64)}`,
].join('');

/** Not everything is of the data model. */
function encoded(value: unknown): Uint8Array {
  try {
    return encode(value);
  } catch {
    return new Uint8Array();
  }
}
