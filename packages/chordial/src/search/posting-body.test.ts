import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import fc from 'fast-check';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { encode } from '../network/dag-cbor.ts';
import { type HeldShareEntry, readShareBody, sharePostingEntry } from '../records/share-entry.ts';
import { usualFacts } from './posting-body.ts';
import { hitOf, readSharedPosting } from './posting-entry.ts';

const source = { host: 'publisher' as HostId, addresses: [] };
const root = cidOfBlock(rawCodec, Buffer.from('content'));
const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const facts = fc.record({
  size: count,
  type: fc.constantFrom('file', 'directory'),
  time: count,
  sha256: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
});

const entry = (body: Uint8Array): HeldShareEntry => ({
  ...sharePostingEntry('report', 'report.pdf', root, body),
  source,
  batch: 1,
  expiry: 1e15,
});

test('size and time of a body are read as the decoder reads them', () => {
  fc.assert(
    fc.property(facts, (body) => {
      assert.deepEqual(usualFacts(encode(body)), { size: body.size, time: body.time });
      const posting = readSharedPosting(entry(encode(body)))!;
      const { size, time, type, sha256 } = hitOf(posting);
      assert.deepEqual({ size, time, type, sha256 }, { ...body });
    }),
  );
});

test('H1 a changed, shortened or lengthened body is read as the decoder reads it, or not at all', () => {
  const change = fc.record({ at: fc.nat(120), to: fc.nat(255), cut: fc.nat(3), more: fc.boolean() });
  fc.assert(
    fc.property(facts, change, (body, { at, to, cut, more }) => {
      const bytes = Buffer.from(encode(body));
      if (at < bytes.length) bytes[at] = to;
      const changed = Buffer.concat([bytes.subarray(0, bytes.length - cut), Buffer.alloc(more ? 1 : 0)]);
      const read = usualFacts(changed);
      if (read === null) return;
      const { size, time } = readShareBody({ body: changed });
      assert.deepEqual(read, { size, time });
      hitOf(readSharedPosting(entry(changed))!);
    }),
    { numRuns: 2000 },
  );
});

test('a body with more in it, or less than exact numbers, is left to the decoder', () => {
  const body = { size: 1, type: 'file', time: 2, sha256: null };
  assert.equal(usualFacts(encode({ ...body, note: 'x' })), null);
  assert.notEqual(readSharedPosting(entry(encode({ ...body, note: 'x' }))), null);
  for (const wrong of [{ ...body, type: 'link' }, { ...body, size: 1.5 }, { ...body, sha256: 'A'.repeat(64) }, {}]) {
    assert.equal(usualFacts(encode(wrong)), null);
    assert.equal(readSharedPosting(entry(encode(wrong))), null);
  }
});
