import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  between,
  digitsOf,
  distance,
  fingerStart,
  inOwnedArc,
  isRingId,
  maxBits,
  minBits,
  nextId,
  type RingId,
  ringId,
  ringIdOfHash,
  toBigInt,
} from './identifier.ts';

const widths = [3, 4, 5, 7, 8, 10, 160, 255, 256];

/** The dumb model of between: walk clockwise from a, one place at a time, and see whether b comes before c. */
function walksPast(a: number, b: number, c: number, places: number): boolean {
  for (let place = (a + 1) % places; place !== c; place = (place + 1) % places) {
    if (place === b) return true;
  }
  return false;
}

for (const bits of [3, 4, 5]) {
  const places = 2 ** bits;
  const id = (value: number): RingId => ringId(value, bits);

  test(`C1 between and inOwnedArc agree with walking the ring for every a, b, c of ${bits} bits [R1]`, () => {
    for (let a = 0; a < places; a++) {
      for (let b = 0; b < places; b++) {
        for (let c = 0; c < places; c++) {
          const inside = walksPast(a, b, c, places);
          assert.equal(between(id(a), id(b), id(c)), inside, `between ${a} ${b} ${c}`);
          assert.equal(inOwnedArc(id(a), id(b), id(c)), inside || b === c, `(${a}, ${c}] holds ${b}`);
        }
      }
    }
  });

  test(`C1 distance, next and finger starts agree with numbers modulo ${places} [R1]`, () => {
    for (let a = 0; a < places; a++) {
      assert.equal(nextId(id(a), bits), id((a + 1) % places));
      for (let power = 0; power < bits; power++) {
        assert.equal(fingerStart(id(a), power, bits), id((a + 2 ** power) % places));
      }
      for (let b = 0; b < places; b++) {
        assert.equal(distance(id(a), id(b), bits), BigInt((b - a + places) % places));
      }
    }
  });
}

test('C1 the arc from a member to itself is the whole ring: a lone member owns every key [R1]', () => {
  for (let key = 0; key < 16; key++) {
    assert.ok(inOwnedArc(ringId(9, 4), ringId(key, 4), ringId(9, 4)));
    assert.equal(between(ringId(9, 4), ringId(key, 4), ringId(9, 4)), key !== 9);
  }
});

for (const bits of widths) {
  const modulus = 1n << BigInt(bits);
  const anyNumber = fc.bigInt({ min: 0n, max: modulus - 1n });

  test(`identifiers of ${bits} bits keep their number, their width and their order`, () => {
    fc.assert(
      fc.property(anyNumber, anyNumber, (x, y) => {
        const a = ringId(x, bits);
        const b = ringId(y, bits);
        assert.equal(toBigInt(a), x);
        assert.equal(a.length, Math.ceil(bits / 4));
        assert.equal(a < b, x < y);
        assert.ok(isRingId(a, bits));
        assert.equal(ringId(x + modulus, bits), a);
        assert.equal(ringId(x - modulus, bits), a);
      }),
      { numRuns: 100 },
    );
  });

  test(`distance of ${bits} bits goes clockwise and adds up to one turn`, () => {
    fc.assert(
      fc.property(anyNumber, anyNumber, anyNumber, (x, y, z) => {
        const [a, b, c] = [ringId(x, bits), ringId(y, bits), ringId(z, bits)];
        const there = distance(a, b, bits);
        assert.equal(there + distance(b, a, bits), x === y ? 0n : modulus);
        assert.equal(ringId(x + there, bits), b);
        if (new Set([x, y, z]).size === 3) {
          assert.equal(between(a, b, c), there < distance(a, c, bits));
          assert.notEqual(between(a, b, c), between(c, b, a));
        }
      }),
      { numRuns: 100 },
    );
  });

  test(`finger starts of ${bits} bits lie 2^power ahead, the highest wraps to the other side`, () => {
    const last = ringId(modulus - 1n, bits);
    assert.equal(nextId(last, bits), ringId(0, bits));
    assert.equal(fingerStart(last, 0, bits), ringId(0, bits));
    for (let power = 0; power < bits; power++) {
      assert.equal(distance(last, fingerStart(last, power, bits), bits), 1n << BigInt(power));
    }
  });

  test(`the identifier of a hash is its first ${bits} bits`, () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), (hash) => {
        const text = hash.toString(16).padStart(64, '0');
        const expected = ringId(hash >> BigInt(256 - bits), bits);
        assert.equal(ringIdOfHash(text, bits), expected);
        assert.equal(ringIdOfHash(text.toUpperCase(), bits), expected);
      }),
      { numRuns: 100 },
    );
  });

  test(`what is no identifier of ${bits} bits is refused`, () => {
    const good = ringId(modulus - 1n, bits);
    assert.ok(isRingId(good, bits));
    for (const bad of [
      '',
      `${good}0`,
      good.slice(1),
      `g${good.slice(1)}`,
      ` ${good.slice(1)}`,
      5,
      null,
      undefined,
      {},
    ]) {
      assert.ok(!isRingId(bad, bits), String(bad));
    }
    if (good !== good.toUpperCase()) assert.ok(!isRingId(good.toUpperCase(), bits));
    if (bits % 4 !== 0) assert.ok(!isRingId('f'.repeat(digitsOf(bits)), bits), 'above the last place');
  });
}

test('the bounds on the width are those of the literature and of SHA-256', () => {
  assert.deepEqual([minBits, maxBits], [3, 256]);
});
