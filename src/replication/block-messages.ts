/**
 * Wire formats of the messages about blocks. CIDs travel in their binary form; every message carries a list.
 *
 * `blocks.has` request `{cids}` → `{sizes}`, −1 where a block is absent.
 * `blocks.get` stream  `{cids}` → `{sizes}` and the bytes of the blocks that are there, one after the other.
 * `blocks.put` stream  `{blocks: [{cid, size}]}` and their bytes → `{results}`, each `stored`, `present` or an error code.
 */
import type { CID } from 'multiformats/cid';
import { decodeCid, maximumBlockBytes } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import type { Wire } from '../network/transport.ts';
import { malformed, readInteger, readList, readText } from '../network/wire-reading.ts';

export const blockMessages = { has: 'blocks.has', get: 'blocks.get', put: 'blocks.put' } as const;

/** A question about this many CIDs of 36 bytes is 160 kB: within one small message. */
export const maximumCidsPerQuestion = 4096;
export const maximumBlocksPerStream = 256;
/** A SHA-256 CID has 36 bytes. */
const maximumCidBytes = 64;
const maximumCodeCharacters = 40;

export interface OfferedBlock {
  readonly cid: CID;
  readonly size: number;
}

export const encodeCids = (cids: readonly CID[]): Wire => ({ cids: cids.map((cid) => cid.bytes) });

export function decodeCids(body: Wire, most: number): readonly CID[] {
  return readList(field(body, 'cids'), 'the list of CIDs', 1, most).map(readCid);
}

export const encodeSizes = (sizes: readonly number[]): Wire => ({ sizes });

/** Positional: entry i belongs to CID i of the question; −1 = absent. */
export function decodeSizes(body: Wire, count: number): readonly number[] {
  const sizes = readList(field(body, 'sizes'), 'the list of sizes', count, count);
  return sizes.map((size) => readInteger(size, 'the size of a block', -1, maximumBlockBytes));
}

export const encodeOffer = (blocks: readonly OfferedBlock[]): Wire => ({
  blocks: blocks.map(({ cid, size }) => ({ cid: cid.bytes, size })),
});

export function decodeOffer(header: Wire): readonly OfferedBlock[] {
  const blocks = readList(field(header, 'blocks'), 'the list of blocks', 1, maximumBlocksPerStream);
  return blocks.map((block) => ({
    cid: readCid(field(block, 'cid')),
    size: readInteger(field(block, 'size'), 'the size of a block', 0, maximumBlockBytes),
  }));
}

export const encodeResults = (results: readonly string[]): Wire => ({ results });

export function decodeResults(header: Wire, count: number): readonly string[] {
  const results = readList(field(header, 'results'), 'the list of results', count, count);
  return results.map((result) => readText(result, 'a result', maximumCodeCharacters));
}

/** One field of a map; undefined when there is no map, which the reader of the field then refuses. */
export function field(value: Wire, name: string): Wire {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined;
  return (value as Record<string, unknown>)[name];
}

function readCid(value: Wire): CID {
  if (!(value instanceof Uint8Array) || value.length > maximumCidBytes) throw malformed('a CID is not a few bytes');
  try {
    return decodeCid(value);
  } catch (error) {
    if (error instanceof ChordialError) throw malformed('a CID cannot be read');
    throw error;
  }
}
