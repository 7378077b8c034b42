import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bare,
  bool,
  bytes,
  convert,
  decodeAs,
  encodeAs,
  fileName,
  hex,
  int,
  list,
  listFor,
  map,
  named,
  nullable,
  numbered,
  oneOf,
  optional,
  refine,
  text,
  tuple,
  uint,
} from './schema.ts';
import { TransportError } from './transport-error.ts';

const entry = tuple({ key: hex(2), size: int(-1, 9), state: numbered(['over', 'in progress']) });
const message = map({
  kind: oneOf(['a', 'b']),
  entries: list(entry, 3, 1),
  isLast: bool,
  cursor: nullable(text(4)),
  relay: optional(uint, 0),
});
const value = {
  kind: 'b',
  entries: [{ key: 'ab01', size: -1, state: 'in progress' }],
  isLast: true,
  cursor: null,
  relay: 0,
} as const;
const wire = { kind: 'b', entries: [[Uint8Array.of(0xab, 1), -1, 1]], isLast: true, cursor: null };

test('a schema encodes and decodes a value and describes its form', () => {
  assert.deepEqual(encodeAs(message, value), { ...wire, entries: [[Buffer.from('ab01', 'hex'), -1, 1]] });
  assert.deepEqual(decodeAs(message, wire), value);
  assert.deepEqual(decodeAs(message, { ...wire, relay: 2, more: 1 }), { ...value, relay: 2 });
  assert.equal(message.text, '{kind, entries: [[key, size, state], …], isLast, cursor or null, relay?}');
  assert.equal(
    tuple({ hit: named('hit', entry), end: nullable(entry) }).text,
    '[hit, end: [key, size, state] or null]',
  );
  assert.equal(bare('ids', list(named('id', bytes(2)), 3)).text, '[id, …]');
});

test('a value that breaks a bound is refused with its path', () => {
  const good = wire.entries[0]!;
  for (const [broken, complaint] of [
    [null, 'it is not a map'],
    [{ ...wire, kind: 'c' }, 'kind is none of a, b'],
    [{ ...wire, entries: [] }, 'entries has 0 entries, not 1 to 3'],
    [{ ...wire, entries: [good, good, good, good] }, 'entries has 4 entries, not 1 to 3'],
    [{ ...wire, entries: [good, good.slice(1)] }, 'entries[1] has 2 entries, not 3'],
    [{ ...wire, entries: [good.with(0, Uint8Array.of(1))] }, 'entries[0].key is not 2 bytes'],
    [{ ...wire, entries: [good.with(1, 10)] }, 'entries[0].size is not a whole number from -1 to 9'],
    [{ ...wire, entries: [good.with(1, 0.5)] }, 'entries[0].size is not a whole number from -1 to 9'],
    [{ ...wire, entries: [good.with(2, 2)] }, 'entries[0].state is not a whole number from 0 to 1'],
    [{ ...wire, isLast: 1 }, 'isLast is neither true nor false'],
    [{ ...wire, cursor: 'abcde' }, 'cursor is not text of at most 4 characters'],
    [{ ...wire, cursor: undefined }, 'cursor is not text of at most 4 characters'],
    [{ ...wire, relay: null }, `relay is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`],
    [Object.create(wire), `kind is none of a, b`],
  ] as const)
    assert.throws(() => decodeAs(message, broken), {
      name: 'TransportError',
      failure: 'refused',
      code: 'bad-request',
      message: `The message is malformed: ${complaint}.`,
    });
});

test('the length of a list is checked before its entries', () => {
  const hostile = Object.defineProperty(new Array(4), 0, { get: () => assert.fail('an entry was read') });
  assert.throws(() => decodeAs(list(uint, 3), hostile), /has 4 entries, not 0 to 3/);
});

test('an answer is decoded by its question', () => {
  const answer = map({ sizes: listFor(uint, ({ keys }: { keys: readonly string[] }) => keys.length) });
  assert.deepEqual(answer.decode({ sizes: [1, 2] }, { keys: ['a', 'b'] }), { sizes: [1, 2] });
  assert.throws(() => answer.decode({ sizes: [1, 2] }, { keys: ['a'] }), /sizes has 2 entries, not 1\./);
  const page = refine(list(uint, 9), (some, { most }: { most: number }) => (some.length > most ? 'is too long' : null));
  assert.throws(() => page.decode([1, 2], { most: 1 }), /it is too long/);
});

test('invalid file names and names not in NFC are refused', () => {
  assert.equal(decodeAs(fileName, 'ä.txt'), 'ä.txt');
  for (const name of ['', '..', 'a/b', 'a\u0308', 'a\0', 'x'.repeat(256)])
    assert.throws(() => decodeAs(fileName, name), TransportError, name);
});

test('arbitrary input is decoded or refused', () => {
  const nested = tuple({ message, other: convert(text(9), String, (inner) => inner.length) });
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withTypedArray: true }), (hostile) => {
      for (const broken of [hostile, [hostile, 'x'], [{ ...wire, entries: hostile }, 'x']]) {
        try {
          decodeAs(nested, broken);
        } catch (error) {
          assert.ok(error instanceof TransportError, String(error));
        }
      }
    }),
  );
});
