/** Malformed values: wrong types, wrong sizes, too deep, too many. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Wire } from '../../src/network/transport.ts';

const deepLevels = 20_000;
const manyEntries = 100_000;

const kinds: readonly (() => Wire)[] = [
  () => null,
  () => [],
  () => ({}),
  () => -1,
  () => 'x'.repeat(randomInt(10_000)),
  () => randomBytes(randomInt(10_000)),
  () => Array.from({ length: manyEntries }, () => 0),
  () => ({
    entries: -1,
    more: {},
    unknown: 'yes',
    sizes: [1e15],
    results: [null],
    answers: [[]],
    hits: [[]],
    total: 1e9,
  }),
  () => ({ sizes: Array.from({ length: manyEntries }, () => 2 ** 40) }),
  () => [[], [[[], [], []]]],
  () => [[[randomBytes(32), ['127.0.0.1:1']]], [[0, 99, [5]]]],
  () => Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`key ${index}`, index])),
];

export function nonsense(): Wire {
  return kinds[randomInt(kinds.length)]?.() ?? null;
}

/** Difficult bytes for decoders: deep nesting, false lengths, invalid DAG-CBOR. */
export const badBodies: readonly Uint8Array[] = [
  Buffer.alloc(0),
  // Lists in lists.
  Buffer.concat([Buffer.alloc(deepLevels, 0x81), Buffer.from([0x00])]),
  // Maps in maps.
  Buffer.concat([Buffer.alloc(deepLevels, Buffer.from([0xa1, 0x61, 0x61])), Buffer.from([0x00])]),
  // A declared list of 2^32 - 1 entries without entries; text, bytes and a map of that size; 2^53 of them.
  Buffer.from([0x9a, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x7a, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x5a, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0xba, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x9b, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  // Indefinite lengths, invalid in DAG-CBOR.
  Buffer.from([0x9f, 0x00, 0xff]),
  // NaN, an unknown tag, an invalid CID.
  Buffer.from([0xf9, 0x7e, 0x00]),
  Buffer.from([0xd9, 0x01, 0x00, 0x00]),
  Buffer.from([0xd8, 0x2a, 0x41, 0x00]),
  // Two values instead of one; a duplicate key.
  Buffer.from([0x00, 0x00]),
  Buffer.from([0xa2, 0x61, 0x61, 0x00, 0x61, 0x61, 0x01]),
  Buffer.alloc(1024 * 1024, 0x80),
  randomBytes(4096),
];
