/**
 * Wire formats of messages about claims. A message names each claim once, as `[publisher, name, sequence, replicas,
 * idleSeconds]`; its blocks refer to them by position.
 *
 * `blocks.claim` request `{blocks: [{cid, claims: [position…]}], claims}` → `{sizes}`, −1 where a block is absent: then
 * the claim was not accepted. Otherwise it is durable.
 * `claims.release` request `{names: [[name, sequence]…]}` → `{}`: the asker, as publisher, has ended all its puts of
 * these names below these sequences; the holder checks for itself, soon.
 * `claims.asked` request `{names: [[name, sequence]…]}`, of a holder to their publisher → `{puts: [[state, expiry]…]}`:
 * the state of these puts; `expiry` is null unless the published name expires.
 * `claims.told` request `{puts: [[name, sequence, state, expiry]…]}`, of a publisher to a holder → `{kept:
 * [boolean…]}`: the same unasked; false for a put whose blocks were released here before.
 */
import type { CID } from 'multiformats/cid';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { isHostId } from '../network/host-id.ts';
import type { Wire } from '../network/transport.ts';
import { field, malformed, readBoolean, readInteger, readList, readText, readTuple } from '../network/wire-reading.ts';
import type { Claim } from '../storage/claim-table.ts';
import { maxReplicas } from './placement.ts';
import { readCid } from './wire-fields.ts';

export const claimMessages = {
  claim: 'blocks.claim',
  release: 'claims.release',
  asked: 'claims.asked',
  told: 'claims.told',
} as const;

/** Per message. With names of 255 bytes they take 350 kB: within one small message, beside its CIDs. */
export const maxClaimsPerMessage = 1024;
/** References in one message, over all its blocks. */
const maxReferencesPerMessage = 16_384;
export const maxBlocksPerClaim = 4096;
export const maxNamesPerRelease = 256;
const maxNameCharacters = 255;
/** A century: clocks may be wrong, numbers must be bounded. */
const maxIdleSeconds = 100 * 366 * 24 * 3600;

export interface ClaimedCid {
  readonly cid: CID;
  readonly claims: readonly Claim[];
}

/** The claims of several blocks, each once, and the positions per block. */
export function gatherClaims(blocks: readonly { readonly claims: readonly Claim[] }[]): {
  readonly claims: Wire;
  readonly positions: readonly (readonly number[])[];
} {
  const known = new Map<string, number>();
  const claims: Wire[] = [];
  const positions = blocks.map((block) =>
    block.claims.map((claim) => {
      const wire = wireOfClaim(claim);
      const text = JSON.stringify(wire);
      const position = known.get(text) ?? claims.length;
      if (position === claims.length) claims.push(wire);
      known.set(text, position);
      return position;
    }),
  );
  return { claims, positions };
}

/** Inverse of `gatherClaims`: the claims of each block. */
export function readClaims(claims: Wire, positions: readonly Wire[]): readonly (readonly Claim[])[] {
  const known = readList(claims, 'the list of claims', 0, maxClaimsPerMessage).map(readClaim);
  let references = 0;
  return positions.map((list) => {
    const some = readList(list, 'the claims of a block', 0, known.length);
    references += some.length;
    if (references > maxReferencesPerMessage) throw malformed('its blocks have too many claims');
    return some.map((position) => known[readInteger(position, 'the position of a claim', 0, known.length - 1)]!);
  });
}

export function encodeClaimed(blocks: readonly ClaimedCid[]): Wire {
  const { claims, positions } = gatherClaims(blocks);
  return { blocks: blocks.map(({ cid }, index) => ({ cid: cid.bytes, claims: positions[index] })), claims };
}

export function decodeClaimed(body: Wire): readonly ClaimedCid[] {
  const blocks = readList(field(body, 'blocks'), 'the list of blocks', 1, maxBlocksPerClaim);
  const claims = readClaims(
    field(body, 'claims'),
    blocks.map((block) => field(block, 'claims')),
  );
  return blocks.map((block, index) => ({ cid: readCid(field(block, 'cid')), claims: claims[index]! }));
}

export interface EndedName {
  /** In NFC. */
  readonly name: string;
  /** Puts of the name below it have ended. */
  readonly sequence: number;
}

export const encodeRelease = (names: readonly EndedName[]): Wire => ({
  names: names.map(({ name, sequence }) => [name, sequence]),
});

export function decodeRelease(body: Wire): readonly EndedName[] {
  return readList(field(body, 'names'), 'the list of names', 1, maxNamesPerRelease).map((ended) => {
    const [name, sequence] = readTuple(ended, 'a name that ended', 2);
    return { name: readName(name), sequence: readSequence(sequence) };
  });
}

/** State of a put: ended without commit, in progress, or committed. */
export type PutState = 'over' | 'under way' | 'committed';
const putStates: readonly PutState[] = ['over', 'under way', 'committed'];

export interface PutNews {
  readonly state: PutState;
  /** Of a committed one, milliseconds since 1970, or null. */
  readonly expiry: number | null;
}

export type ToldPut = EndedName & PutNews;

const wireOfNews = ({ state, expiry }: PutNews): readonly Wire[] => [putStates.indexOf(state), expiry];

function readNews(state: Wire, expiry: Wire): PutNews {
  const position = readInteger(state, 'the state of a put', 0, putStates.length - 1);
  return {
    state: putStates[position]!,
    expiry: expiry === null ? null : readInteger(expiry, 'the expiry of a put', 0, Number.MAX_SAFE_INTEGER),
  };
}

export const encodePutNews = (puts: readonly PutNews[]): Wire => ({ puts: puts.map(wireOfNews) });

export function decodePutNews(body: Wire, count: number): readonly PutNews[] {
  return readList(field(body, 'puts'), 'the states of puts', count, count).map((news) => {
    const [state, expiry] = readTuple(news, 'the state of a put', 2);
    return readNews(state, expiry);
  });
}

export const encodeTold = (puts: readonly ToldPut[]): Wire => ({
  puts: puts.map(({ name, sequence, ...news }) => [name, sequence, ...wireOfNews(news)]),
});

export function decodeTold(body: Wire): readonly ToldPut[] {
  return readList(field(body, 'puts'), 'the list of puts', 1, maxNamesPerRelease).map((told) => {
    const [name, sequence, state, expiry] = readTuple(told, 'a put', 4);
    return { name: readName(name), sequence: readSequence(sequence), ...readNews(state, expiry) };
  });
}

export const encodeKept = (kept: readonly boolean[]): Wire => ({ kept });

export function decodeKept(body: Wire, count: number): readonly boolean[] {
  const kept = readList(field(body, 'kept'), 'what is kept', count, count);
  return kept.map((one) => readBoolean(one, 'whether a put is kept'));
}

export function wireOfClaim({ publisher, name, sequence, replicas, idleSeconds = 0 }: Claim): readonly Wire[] {
  return [publisher, name, sequence, replicas, Math.min(idleSeconds, maxIdleSeconds)];
}

export function readClaim(value: Wire): Claim {
  const [publisher, name, sequence, replicas, idle] = readTuple(value, 'a claim', 5);
  const idleSeconds = readInteger(idle, 'the age of a claim', 0, maxIdleSeconds);
  if (!isHostId(publisher)) throw malformed('the publisher of a claim is no peer id');
  return {
    publisher,
    name: readName(name),
    sequence: readSequence(sequence),
    replicas: readInteger(replicas, 'the copies that a claim wants', 1, maxReplicas),
    ...(idleSeconds === 0 ? {} : { idleSeconds }),
  };
}

function readName(value: Wire): string {
  const name = readText(value, 'the name of a claim', maxNameCharacters);
  try {
    if (checkName(name) === name) return name;
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
  }
  throw malformed('the name of a claim is none');
}

function readSequence(value: Wire): number {
  return readInteger(value, 'the sequence of a claim', 0, Number.MAX_SAFE_INTEGER);
}
