import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { inflateSync } from 'node:zlib';
import { Decrypter, Encrypter, generateX25519Identity } from 'age-encryption';
import * as kit from 'cctv-age';
import fc from 'fast-check';
import { isError } from '../../test/contracts/errors.ts';
import { ChordialError } from '../errors.ts';
import { OpenedFile, openWhole, pieceBytes, type ReadSealed, sealed, sealedSize, sealWhole } from './sealed.ts';
import { checkRecipient, identityFrom, isSealed, type Keys, newSeal, recipientOf } from './sealed-header.ts';

const identity = await generateX25519Identity();
const recipients = [await recipientOf(identity)];
const keys: Keys = { identities: [identity] };

function random(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

/** In parts of this length, as a stream brings them. */
function reader(bytes: Uint8Array, step = 10_000): ReadSealed {
  return async function* (start, end) {
    for (let at = start; at < end; at += step) yield bytes.subarray(at, Math.min(end, at + step));
  };
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

const open = (bytes: Uint8Array, with_: Keys = keys) => OpenedFile.open(bytes.length, reader(bytes), with_);

describe('sealed files', () => {
  it('B15 what is sealed here the library opens, and what it seals is opened here, at every border of pieces', async () => {
    for (const size of [0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes]) {
      const content = random(size);
      const seal = await newSeal({ recipients });
      for (const step of [1000, pieceBytes, 5 * pieceBytes]) {
        const bytes = await all(sealed(reader(content, step)(0, size), seal));
        assert.equal(bytes.length, sealedSize(size, seal));
        const decrypter = new Decrypter();
        decrypter.addIdentity(identity);
        assert.deepEqual(Buffer.from(await decrypter.decrypt(bytes)), Buffer.from(content));
      }
      const encrypter = new Encrypter();
      encrypter.addRecipient(recipients[0]!);
      const opened = await open(await encrypter.encrypt(content));
      assert.equal(opened.size, size);
      assert.deepEqual(await all(opened.read()), Buffer.from(content));
    }
  });

  it('B15 any range is read by itself', async () => {
    const content = random(3 * pieceBytes + 777);
    const bytes = await sealWhole(content, await newSeal({ recipients }));
    let asked = 0;
    const opened = await OpenedFile.open(
      bytes.length,
      (start, end) => {
        asked += end - start;
        return reader(bytes)(start, end);
      },
      keys,
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(content.length), fc.nat(content.length), async (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        asked = 0;
        assert.deepEqual(await all(opened.read(start, end)), Buffer.from(content.subarray(start, end)));
        assert.ok(asked <= end - start + 2 * pieceBytes + 4 * 16, `${asked} bytes for ${end - start}`);
      }),
      { numRuns: 100 },
    );
  });

  it('B15 no changed bit passes', async () => {
    const bytes = await sealWhole(Buffer.from('a small file'), await newSeal({ recipients }));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(
        open(changed),
        (error) => error instanceof ChordialError && (error.code === 'bad-content' || error.code === 'no-key'),
        `bit ${bit}`,
      );
    }
  });

  it('B15 a file that was cut, also at the border of a piece, or whose pieces were swapped, is refused', async () => {
    const content = random(3 * pieceBytes);
    const seal = await newSeal({ recipients });
    const bytes = await sealWhole(content, seal);
    const begin = seal.header.length + 16;
    const piece = pieceBytes + 16;
    for (const length of [
      begin - 1,
      begin,
      begin + 15,
      begin + piece,
      begin + 2 * piece,
      begin + 2 * piece + 16,
      bytes.length - 1,
    ])
      await assert.rejects(open(bytes.subarray(0, length)), isError('bad-content', /cut|hold/), `cut to ${length}`);
    await assert.rejects(open(Buffer.concat([bytes, bytes.subarray(begin, begin + piece)])), isError('bad-content'));
    const swapped = Buffer.concat([
      bytes.subarray(0, begin),
      bytes.subarray(begin + piece, begin + 2 * piece),
      bytes.subarray(begin, begin + piece),
      bytes.subarray(begin + 2 * piece),
    ]);
    const opened = await open(swapped);
    await assert.rejects(all(opened.read(0, 10)), isError('bad-content', /piece 0 does not hold/));
  });

  it('B15 a passphrase alone opens what it sealed', async () => {
    const bytes = await sealWhole(Buffer.from('text'), await newSeal({ passphrase: 'correct horse', workFactor: 10 }));
    assert.equal(Buffer.from((await openWhole(bytes, { passphrase: 'correct horse' })).content).toString(), 'text');
    const wrong = await open(bytes, { passphrase: 'battery' }).catch((error: ChordialError) => error);
    assert.ok(
      wrong instanceof ChordialError && wrong.code === 'no-key' && /passphrase does not open/.test(wrong.message),
    );
    await assert.rejects(open(bytes), isError('no-key', /sealed with a passphrase/));
  });

  it('a file of others says for which kinds of recipients it is, and its own key opens it', async () => {
    const other = identityFrom(random(16));
    const seal = await newSeal({ recipients: [await recipientOf(other)] });
    const bytes = await sealWhole(Buffer.from('text'), seal);
    assert.ok(isSealed(bytes) && !isSealed(Buffer.from('age-encryption.org/v2\n')));
    await assert.rejects(open(bytes), isError('no-key', /recipients: X25519/));
    for (const fits of [{ fileKey: seal.fileKey }, { identities: [identity, other] }])
      assert.equal(Buffer.from((await openWhole(bytes, fits)).content).toString(), 'text');
    await assert.rejects(open(bytes, { fileKey: random(16) }), isError('no-key'));
    assert.throws(() => checkRecipient(`${recipients[0]!.slice(0, -1)}b`), isError('bad-request', /no recipient/));
    await assert.rejects(recipientOf('AGE-SECRET-KEY-1'), isError('bad-request'));
  });
});

describe('the test kit of age', () => {
  for (const [name, bytes] of Object.entries(kit.default ?? kit)) {
    const vector = parse(bytes);
    // Armor, text around a file, is no sealed file; hybrid keys are for others.
    if (vector === null) continue;
    it(name, async () => {
      const { expect, file, payload } = vector;
      const outcome = await released(file, vector.keys);
      if (expect === 'success') assert.equal(outcome.error, null);
      else assert.match(outcome.error?.code ?? 'opened', expect === 'no match' ? /^no-key$/ : /^bad-content$|^no-key$/);
      // Nothing beyond what is in the file is given out.
      if (payload !== null && expect === 'success') assert.equal(hash('sha256', outcome.bytes, 'hex'), payload);
    });
  }
});

async function released(file: Uint8Array, with_: Keys): Promise<{ bytes: Buffer; error: ChordialError | null }> {
  const parts: Uint8Array[] = [];
  try {
    const opened = await open(file, with_);
    for await (const part of opened.read()) parts.push(Uint8Array.from(part));
    return { bytes: Buffer.concat(parts), error: null };
  } catch (error) {
    if (error instanceof ChordialError) return { bytes: Buffer.concat(parts), error };
    throw error;
  }
}

interface Vector {
  readonly expect: string;
  readonly keys: Keys;
  readonly payload: string | null;
  readonly file: Uint8Array;
}

function parse(bytes: Uint8Array): Vector | null {
  const end = Buffer.from(bytes).indexOf('\n\n');
  const lines = Buffer.from(bytes.subarray(0, end)).toString().split('\n');
  const fields = lines.map((line) => line.split(': ') as [string, string]);
  const of = (key: string) => fields.filter(([name]) => name === key).map(([, value]) => value);
  if (of('armored').length > 0 || of('identity').some((one) => one.includes('-PQ-'))) return null;
  const body = bytes.subarray(end + 2);
  return {
    expect: of('expect')[0] ?? '',
    keys: { identities: of('identity'), passphrase: of('passphrase')[0] },
    payload: of('payload')[0] ?? null,
    file: of('compressed')[0] === 'zlib' ? inflateSync(body) : body,
  };
}
