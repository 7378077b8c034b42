/**
 * Wire formats of messages about blocks. CIDs are in binary form; every message carries a list.
 *
 * `blocks.has` request `{cids}` → `{sizes, cached: [position…]}`, −1 where a block is absent, −2 where it is UNKNOWN:
 * not here, but this host is not authoritative, and the next places may have it. Cached ones do not count as replicas.
 * `blocks.get` stream `{cids}` → `{sizes}` and the bytes of the blocks that are present, in order.
 * `blocks.check` request `{cids}` → `{}`: the holder sent corrupt bytes and should verify its copies.
 * `blocks.room` request `{}` → `{room, gives}`: bytes that the holder would accept from puts of the asker, and its
 * quota.
 * `blocks.put` stream `{blocks: [{cid, size, claims: [position…], relay?}], claims}` and their bytes → `{results}`,
 * each `stored`, `present` or an error code; claims as in claim-messages.ts. A block with `relay` is forwarded to the
 * others of that many places before the answer, as far as that is possible soon.
 */
import type { CID } from 'multiformats/cid';
import { maxBlockBytes } from '../content/cid.ts';
import type { Wire } from '../network/transport.ts';
import { field, readInteger, readList, readText } from '../network/wire-reading.ts';
import type { Claim } from '../storage/claim-table.ts';
import { gatherClaims, readClaims } from './claim-messages.ts';
import { maxReplicas } from './placement.ts';
import { readCid } from './wire-fields.ts';

export const blockMessages = {
  has: 'blocks.has',
  get: 'blocks.get',
  put: 'blocks.put',
  check: 'blocks.check',
  room: 'blocks.room',
} as const;

/** A request with this many CIDs of 36 bytes is 160 kB: within one small message. */
export const maxCidsPerQuestion = 4096;
export const maxBlocksPerStream = 256;
export const maxBlocksPerCheck = 16;
export const absentSize = -1;
export const unknownSize = -2;
const maxCodeCharacters = 40;
/** For forwarding a block, before its answer. The sender gives up on a host that is silent for 5 s. */
export const maxRelayMilliseconds = 3000;

export interface HeldBlock {
  readonly cid: CID;
  readonly size: number;
}

export interface OfferedBlock extends HeldBlock {
  readonly claims: readonly Claim[];
  /** Number of places to which the receiver forwards it; 0: none. */
  readonly relay: number;
}

export const encodeCids = (cids: readonly CID[]): Wire => ({ cids: cids.map((cid) => cid.bytes) });

export function decodeCids(body: Wire, most: number): readonly CID[] {
  return readList(field(body, 'cids'), 'the list of CIDs', 1, most).map(readCid);
}

export const encodeSizes = (sizes: readonly number[]): Wire => ({ sizes });

export interface Room {
  readonly room: number;
  readonly gives: number;
}

export function encodeRoom({ room, gives }: Room): Wire {
  const most = Number.MAX_SAFE_INTEGER;
  return { room: Math.floor(Math.min(room, most)), gives: Math.floor(Math.min(gives, most)) };
}

export function decodeRoom(body: Wire): Room {
  const read = (name: string) => readInteger(field(body, name), `the ${name}`, 0, Number.MAX_SAFE_INTEGER);
  return { room: read('room'), gives: read('gives') };
}

/** Positional: entry i belongs to CID i of the request; `absentSize` or `unknownSize` without the block. */
export function decodeSizes(body: Wire, count: number): readonly number[] {
  const sizes = readList(field(body, 'sizes'), 'the list of sizes', count, count);
  return sizes.map((size) => readInteger(size, 'the size of a block', unknownSize, maxBlockBytes));
}

/** @param cached whether the block at each position is cache */
export const encodeHeld = (sizes: readonly number[], cached: readonly boolean[]): Wire => ({
  sizes,
  cached: cached.flatMap((isCached, position) => (isCached ? [position] : [])),
});

export interface HeldSizes {
  readonly sizes: readonly number[];
  /** By position. */
  readonly cached: ReadonlySet<number>;
}

/** Sizes as in `decodeSizes`. */
export function decodeHeld(body: Wire, count: number): HeldSizes {
  const cached = readList(field(body, 'cached'), 'the list of cached blocks', 0, count);
  return {
    sizes: decodeSizes(body, count),
    cached: new Set(cached.map((position) => readInteger(position, 'a position', 0, count - 1))),
  };
}

export function encodeOffer(blocks: readonly OfferedBlock[]): Wire {
  const { claims, positions } = gatherClaims(blocks);
  const offered = blocks.map(({ cid, size, relay }, index) => ({
    cid: cid.bytes,
    size,
    claims: positions[index],
    ...(relay === 0 ? {} : { relay }),
  }));
  return { blocks: offered, claims };
}

export function decodeOffer(header: Wire): readonly OfferedBlock[] {
  const blocks = readList(field(header, 'blocks'), 'the list of blocks', 1, maxBlocksPerStream);
  const claims = readClaims(
    field(header, 'claims'),
    blocks.map((block) => field(block, 'claims')),
  );
  return blocks.map((block, index) => ({
    cid: readCid(field(block, 'cid')),
    size: readInteger(field(block, 'size'), 'the size of a block', 0, maxBlockBytes),
    claims: claims[index]!,
    relay: readRelay(block),
  }));
}

function readRelay(block: unknown): number {
  const relay = field(block, 'relay');
  return relay === undefined ? 0 : readInteger(relay, 'the number of places of a block', 1, maxReplicas);
}

export const encodeResults = (results: readonly string[]): Wire => ({ results });

export function decodeResults(header: Wire, count: number): readonly string[] {
  const results = readList(field(header, 'results'), 'the list of results', count, count);
  return results.map((result) => readText(result, 'a result', maxCodeCharacters));
}
