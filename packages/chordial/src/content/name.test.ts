import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { ringIdOfHash } from '@chordial/ring';
import fc from 'fast-check';
import { isError } from '../../test/contracts/errors.ts';
import { ChordialError } from '../errors.ts';
import { checkName, nameKey, namePosition, placedNameKey, whyNotAName } from './name.ts';

describe('checkName', () => {
  it('takes what file systems take, in form NFC', () => {
    for (const name of ['a', '.hidden', 'two words.txt', '...', 'x'.repeat(255), '文件', '-', 'a\\b'])
      assert.equal(checkName(name), name);
    assert.equal(checkName('A\u0308.txt'), '\u00c4.txt');
  });

  it('names the reason of a refusal', () => {
    const cases: [string, RegExp][] = [
      ['', /empty/],
      ['.', /folder/],
      ['..', /folder/],
      ['a/b', /"\/"/],
      ['/', /"\/"/],
      ['a\0b', /NUL/],
      ['a\nb', /control/],
      ['\x7f', /control/],
      ['\u0085', /control/],
      ['x'.repeat(256), /256 bytes.*255/],
      ['ä'.repeat(128), /256 bytes/],
      ['\ud800', /surrogate/],
    ];
    for (const [name, reason] of cases)
      assert.throws(() => checkName(name), isError('bad-name', reason), JSON.stringify(name));
  });

  it('either refuses or gives a name that stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        try {
          const name = checkName(text);
          assert.equal(checkName(name), name);
          assert.equal(whyNotAName(name), null);
        } catch (error) {
          assert.ok(error instanceof ChordialError && error.code === 'bad-name');
        }
      }),
    );
  });
});

describe('the place of a name', () => {
  it('is SHA-256 of "name:" and the name in NFC', () => {
    assert.equal(nameKey('A\u0308'), hash('sha256', 'name:\u00c4', 'hex'));
    assert.equal(namePosition('a.txt', 8, false), nameKey('a.txt').slice(0, 2));
    assert.equal(namePosition('2067', 8, false), nameKey('2067').slice(0, 2));
  });

  it('A24 in a teaching ring a decimal name N lies at N mod 2^bits', () => {
    assert.equal(namePosition('2067', 8, true), '13'); // 19
    assert.equal(namePosition('12', 3, true), '4');
    assert.equal(namePosition('9'.repeat(200), 8, true), BigInt.asUintN(8, BigInt('9'.repeat(200))).toString(16));
    assert.equal(namePosition('a.txt', 8, true), namePosition('a.txt', 8, false));
    assert.equal(namePosition('-1', 8, true), namePosition('-1', 8, false));
  });

  it('A24 one key holds both the position and the hash', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 256 }), fc.nat(), fc.boolean(), (bits, n, teaching) => {
        const key = placedNameKey(String(n), bits, teaching);
        assert.match(key, /^[0-9a-f]{64}$/);
        assert.equal(ringIdOfHash(key, bits), namePosition(String(n), bits, teaching));
        if (teaching) assert.equal(BigInt(`0x${namePosition(String(n), bits, true)}`), BigInt.asUintN(bits, BigInt(n)));
      }),
    );
  });
});
