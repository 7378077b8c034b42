/** The messages about blocks; docs/wire-format.md says what each means. */
import type { CID } from 'multiformats/cid';
import { maxBlockBytes } from '../content/cid.ts';
import { hostId } from '../network/host-id.ts';
import type { Claim } from '../storage/claim-table.ts';
import { Message } from '../wire/message.ts';
import {
  bool,
  cid,
  convert,
  int,
  list,
  listFor,
  map,
  nullable,
  optional,
  refine,
  type Schema,
  text,
  uint,
} from '../wire/schema.ts';
import { claimedBlocks, positions } from './claim-messages.ts';
import { maxReplicas } from './placement.ts';

/** A request with this many CIDs of 36 bytes is 160 kB: within one small message. */
export const maxCidsPerQuestion = 4096;
export const maxBlocksPerStream = 256;
export const maxBlocksPerCheck = 16;
export const maxCidsPerPointer = 256;
const maxBlocksPerClaim = 4096;
/** Not here. */
export const absentSize = -1;
/** Not here, but what belongs here has not all come yet, and the next places may have it. */
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
  /** For repair, as in `blocks.get`. */
  readonly repair: boolean;
}

export interface ClaimedCid {
  readonly cid: CID;
  readonly claims: readonly Claim[];
}

interface Cids {
  readonly cids: readonly CID[];
}

interface WantedCids extends Cids {
  /** For repair: others limit it otherwise than what people wait for. */
  readonly repair: boolean;
}

export interface HeldSizes {
  readonly sizes: readonly number[];
  /** Positions of the blocks that are cache there, and count as no copies. */
  readonly cached: ReadonlySet<number>;
}

export interface Room {
  readonly room: number;
  readonly gives: number;
}

const nothing = map({});
const cidsUpTo = (most: number): Schema<Cids> => map({ cids: list(cid, most, 1) });
const size = int(unknownSize, maxBlockBytes);
const sizesOf = map({ sizes: listFor(size, ({ cids }: Cids) => cids.length) });
type HeldSizesOf = Pick<HeldSizes, 'sizes'>;
const countOf = (blocks: readonly unknown[]): number => blocks.length;
/** Of a room without bounds as many bytes as a number holds. */
const roomBytes = convert(
  uint,
  (bytes: number) => Math.floor(Math.min(bytes, Number.MAX_SAFE_INTEGER)),
  (bytes) => bytes,
);

export const blockMessages = {
  has: new Message(
    'blocks.has',
    cidsUpTo(maxCidsPerQuestion),
    convert(
      refine(
        map({ sizes: listFor(size, ({ cids }: Cids) => cids.length), cached: positions }),
        ({ cached }, { cids }: Cids) =>
          cached.some((position) => position >= cids.length) ? 'has a position beyond the blocks asked about' : null,
      ),
      ({ sizes, cached }: HeldSizes) => ({ sizes, cached: [...cached] }),
      ({ sizes, cached }): HeldSizes => ({ sizes, cached: new Set(cached) }),
    ),
  ),
  get: new Message<WantedCids, HeldSizesOf>(
    'blocks.get',
    map({ cids: list(cid, maxBlocksPerStream, 1), repair: optional(bool, false) }),
    sizesOf,
  ),
  put: new Message(
    'blocks.put',
    claimedBlocks<OfferedBlock>(
      map({
        cid,
        size: int(0, maxBlockBytes),
        claims: positions,
        relay: optional(int(1, maxReplicas), 0),
        repair: optional(bool, false),
      }),
      maxBlocksPerStream,
    ),
    map({ results: listFor(text(maxCodeCharacters), countOf) }),
  ),
  room: new Message('blocks.room', map({ bytes: optional(uint, 0) }), map({ room: roomBytes, gives: roomBytes })),
  check: new Message('blocks.check', cidsUpTo(maxBlocksPerCheck), nothing),
  claim: new Message(
    'blocks.claim',
    claimedBlocks<ClaimedCid>(map({ cid, claims: positions }), maxBlocksPerClaim),
    map({ sizes: listFor(size, countOf) }),
  ),
  point: new Message('blocks.point', map({ cids: list(cid, maxCidsPerPointer, 1), holder: hostId }), nothing),
  where: new Message(
    'blocks.where',
    cidsUpTo(maxCidsPerPointer),
    map({ holders: listFor(nullable(hostId), ({ cids }: Cids) => cids.length) }),
  ),
};
