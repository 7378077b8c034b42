import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bases } from 'multiformats/basics';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { isError } from '../../test/contracts/errors.ts';
import { ChordialError } from '../errors.ts';
import {
  blockKey,
  checkCid,
  cidIn,
  cidOfBlock,
  dagPbCodec,
  decodeCid,
  inlineBytes,
  maxBlockBytes,
  parseCid,
  parseContentPath,
  rawCodec,
  verifyBlock,
} from './cid.ts';

const hello = new TextEncoder().encode('hello world');
const helloText = 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e';

describe('parseCid', () => {
  it('B1 takes CIDv1 in every base, CIDv0, ipfs:// and /ipfs/', () => {
    const cid = CID.parse(helloText);
    for (const base of Object.values(bases).filter(({ name }) => name !== 'identity'))
      assert.ok(parseCid(base.encode(cid.bytes)).equals(cid), base.name);
    const v0 = CID.create(0, dagPbCodec, cid.multihash);
    assert.ok(parseCid(v0.toString()).equals(v0));
    for (const text of [`ipfs://${helloText}`, `ipfs://${helloText}/`, `IPFS://${helloText}`, `/ipfs/${helloText}`]) {
      assert.ok(parseCid(text).equals(cid), text);
    }
    assert.equal(parseCid('bafkqaaa').multihash.code, 0);
  });

  it('says bad-cid for anything else', () => {
    for (const text of [
      '',
      'b',
      'Qm',
      'hello.txt',
      `${helloText}x`,
      helloText.slice(0, -3),
      'ipfs://',
      '/ipfs/',
      `${helloText}/a`,
      'x'.repeat(5000),
      '🚀🚀',
    ]) {
      assert.throws(() => parseCid(text), isError('bad-cid'), text);
      assert.equal(cidIn(text), null);
    }
  });

  it('A24 takes a number for a name, even one that is an identity CID in base 10', () => {
    assert.equal(parseCid('922347776').multihash.code, 0);
    assert.equal(cidIn('922347776'), null);
    assert.ok(cidIn(helloText)?.equals(parseCid(helloText)));
  });

  it('throws nothing but bad-cid, whatever the text or bytes', () => {
    const onlyBadCid = (run: () => unknown) => {
      try {
        run();
      } catch (error) {
        assert.ok(error instanceof ChordialError && error.code === 'bad-cid', String(error));
      }
    };
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => onlyBadCid(() => parseContentPath(text))),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(bases)), fc.uint8Array({ maxLength: 60 }), (base, bytes) =>
        onlyBadCid(() => parseCid(base.encode(bytes))),
      ),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => onlyBadCid(() => decodeCid(bytes))));
  });

  it('checks the bytes of a CID as it decodes them', () => {
    const usual = [rawCodec, dagPbCodec].map((codec) => cidOfBlock(codec, hello).bytes);
    const bytes = fc.tuple(fc.constantFrom(...usual), fc.nat(40), fc.nat(255), fc.integer({ min: -2, max: 2 }));
    const outcome = (read: () => unknown): string => {
      try {
        read();
        return 'read';
      } catch (error) {
        return (error as Error).message;
      }
    };
    fc.assert(
      fc.property(bytes, ([cid, at, to, longer]) => {
        const changed = Buffer.concat([cid, Buffer.alloc(2)]).subarray(0, cid.length + longer);
        if (at < changed.length) changed[at] = to;
        assert.equal(
          outcome(() => checkCid(changed)),
          outcome(() => decodeCid(changed)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('gives the path behind a CID, percent-decoded in an address', () => {
    assert.deepEqual(parseContentPath(`ipfs://${helloText}/a%20b/c`).path, ['a b', 'c']);
    assert.deepEqual(parseContentPath(`/ipfs/${helloText}/a%20b`).path, ['a%20b']);
    assert.throws(() => parseContentPath(`ipfs://${helloText}/%zz`), isError('bad-cid'));
  });
});

describe('blocks', () => {
  it('have one ring key under CIDv0 and CIDv1, 64 hexadecimal digits', () => {
    const v1 = cidOfBlock(dagPbCodec, hello);
    assert.match(blockKey(v1), /^[0-9a-f]{64}$/);
    assert.equal(blockKey(v1), blockKey(CID.create(0, dagPbCodec, v1.multihash)));
    assert.equal(blockKey(v1), blockKey(cidOfBlock(rawCodec, hello)));
  });

  it('B2 are verified: the right bytes pass, one changed bit does not', () => {
    const cid = parseCid(helloText);
    assert.ok(verifyBlock(cid, hello));
    fc.assert(
      fc.property(fc.nat(hello.length * 8 - 1), (bit) => {
        const wrong = hello.slice();
        wrong[bit >> 3]! ^= 1 << (bit & 7);
        return !verifyBlock(cid, wrong);
      }),
    );
    assert.ok(!verifyBlock(cid, new Uint8Array(0)));
  });

  it('are refused above 2 MiB and under other hashes; an identity CID is its own block', () => {
    const large = new Uint8Array(maxBlockBytes + 1);
    assert.ok(!verifyBlock(cidOfBlock(rawCodec, large), large));
    assert.ok(verifyBlock(cidOfBlock(rawCodec, large.subarray(1)), large.subarray(1)));
    const sha512 = CID.createV1(rawCodec, createDigest(0x13, hash('sha512', hello, 'buffer')));
    assert.ok(!verifyBlock(sha512, hello));
    const short = CID.createV1(rawCodec, createDigest(0x12, hash('sha256', hello, 'buffer').subarray(0, 20)));
    assert.ok(!verifyBlock(short, hello));
    const inline = parseCid('bafkqaddimvwgy3zao5xxe3debi');
    assert.deepEqual(inlineBytes(inline), new TextEncoder().encode('hello world\n'));
    assert.ok(verifyBlock(inline, new TextEncoder().encode('hello world\n')));
    assert.ok(!verifyBlock(inline, hello));
    assert.equal(inlineBytes(parseCid(helloText)), null);
  });
});
