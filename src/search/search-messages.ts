/**
 * Wire formats of searching.
 *
 *
 *
 * `search.count` `{words}` → `{counts, split}`: number of postings held under each word, at most `maxCounted`, and
 * whether there are more under the keys over which it is split (frequent-words.ts).
 * `search.query` `{id, word, query, skip, limit}` → `{hits, total, split}`: postings under the word that match the
 * query, best first.
 * `search.ask` `{id, pattern, most, asker, time, signature, parts, hops, left}` → `{answered, missed}`: a broadcast,
 * see broadcast.ts. The asker's key signs what does not change on the way. Answered when all below have answered, at
 * the latest `left` milliseconds later.
 * `search.hits` `{id, hits}` → `{more}`: hits of a host for a broadcast, sent to the asker, or up the tree when the
 * asker is not a known member; `more` false: it has enough.
 */

import type { HostId, RingId } from '@chordial/ring';
import { hostIdOfPublicKey, publicKeyBytes, publicKeyOfHostId } from '../network/host-id.ts';
import type { Wire } from '../network/transport.ts';
import {
  field,
  malformed,
  readBoolean,
  readBytes,
  readInteger,
  readList,
  readText,
  readTuple,
} from '../network/wire-reading.ts';
import type { WordFrequency } from './frequent-words.ts';
import type { Hit } from './hit.ts';
import { decodeHits, encodeHits } from './hit-codec.ts';
import { maxQueryBytes } from './query.ts';
import { maxWordCharacters } from './words.ts';

export const searchMessages = {
  count: 'search.count',
  query: 'search.query',
  ask: 'search.ask',
  hits: 'search.hits',
} as const;

export const maxWordsCounted = 64;
export const maxCounted = 1_000_000;
export const maxHitsPerPage = 50;
export const maxSkip = 100_000;
export const maxParts = 256;
export const maxHops = 64;
export const maxLeftMilliseconds = 60_000;
export const maxBroadcastHits = 100_000;
const maxHosts = 1_000_000;
const signatureBytes = 64;
/** Around a word: `pre:` and the number of the split. */
const maxPlaceCharacters = 8;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const encodeCountQuestion = (words: readonly string[]): Wire => ({ words });

export function decodeCountQuestion(body: Wire): readonly string[] {
  return readList(field(body, 'words'), 'the words', 1, maxWordsCounted).map(readWord);
}

export const encodeCounts = (frequencies: readonly WordFrequency[]): Wire => ({
  counts: frequencies.map(({ count }) => Math.min(count, maxCounted)),
  split: frequencies.map(({ isSplit }) => isSplit),
});

export function decodeCounts(body: Wire, words: number): readonly WordFrequency[] {
  const split = readList(field(body, 'split'), 'the split words', words, words);
  return readList(field(body, 'counts'), 'the counts', words, words).map((count, place) => ({
    count: readInteger(count, 'a count', 0, maxCounted),
    isSplit: readBoolean(split[place], 'whether a word is split'),
  }));
}

export interface WordQuestion {
  /** UUID of the query. */
  readonly id: string;
  readonly word: string;
  readonly query: string;
  readonly skip: number;
  readonly limit: number;
}

export const encodeWordQuestion = ({ id, word, query, skip, limit }: WordQuestion): Wire => ({
  id,
  word,
  query,
  skip,
  limit,
});

export function decodeWordQuestion(body: Wire): WordQuestion {
  return {
    id: readId(field(body, 'id')),
    word: readWord(field(body, 'word')),
    query: readText(field(body, 'query'), 'the query', maxQueryBytes),
    skip: readInteger(field(body, 'skip'), 'the hits to skip', 0, maxSkip),
    limit: readInteger(field(body, 'limit'), 'the limit', 1, maxHitsPerPage),
  };
}

export interface HitPage {
  readonly hits: readonly Hit[];
  /** Of all pages. */
  readonly total: number;
  /** More postings of the word are under the keys over which it is split. */
  readonly isSplit: boolean;
}

export const encodeHitPage = ({ hits, total, isSplit }: HitPage): Wire => ({
  hits: encodeHits(hits),
  total,
  split: isSplit,
});

export function decodeHitPage(body: Wire): HitPage {
  const total = readInteger(field(body, 'total'), 'the number of hits', 0, maxCounted);
  const isSplit = readBoolean(field(body, 'split'), 'whether the word is split');
  return { hits: decodeHits(field(body, 'hits')), total, isSplit };
}

/** A member that is asked, responsible for the ring from itself up to, not including, `end`. */
export interface Part {
  readonly member: RingId;
  readonly end: RingId;
}

export interface BroadcastQuestion {
  /** UUID of the query. */
  readonly id: string;
  readonly pattern: string;
  /** The asker discards hits beyond this. */
  readonly most: number;
  readonly asker: HostId;
  /** Milliseconds since 1970 by the asker's clock. */
  readonly time: number;
  /** The asker's, over `signedQuestion`. */
  readonly signature: Uint8Array;
  readonly parts: readonly Part[];
  /** Remaining hops. */
  readonly hops: number;
  /** Milliseconds until the asker stops waiting. */
  readonly left: number;
}

/** What the asker signs: `chordial search v1`, network, id, pattern, max hits and time, each after a zero byte. */
export function signedQuestion(
  networkId: string,
  { id, pattern, most, time }: Pick<BroadcastQuestion, 'id' | 'pattern' | 'most' | 'time'>,
): Uint8Array {
  return Buffer.from(['chordial search v1', networkId, id, pattern, most, time].join('\0'));
}

export function encodeBroadcast(question: BroadcastQuestion): Wire {
  const { asker, parts, ...rest } = question;
  return { ...rest, asker: publicKeyOfHostId(asker), parts: parts.map(({ member, end }) => [member, end]) };
}

export function decodeBroadcast(body: Wire, bits: number): BroadcastQuestion {
  return {
    id: readId(field(body, 'id')),
    pattern: readText(field(body, 'pattern'), 'the pattern', maxQueryBytes),
    most: readInteger(field(body, 'most'), 'the most hits', 1, maxBroadcastHits),
    asker: hostIdOfPublicKey(readBytes(field(body, 'asker'), 'the key of the asker', publicKeyBytes)),
    time: readInteger(field(body, 'time'), 'a time', 0, Number.MAX_SAFE_INTEGER),
    signature: readBytes(field(body, 'signature'), 'the signature of the asker', signatureBytes),
    parts: readList(field(body, 'parts'), 'the parts', 1, maxParts).map((part) => {
      const [member, end] = readTuple(part, 'a part', 2);
      return { member: readRingId(member, bits), end: readRingId(end, bits) };
    }),
    hops: readInteger(field(body, 'hops'), 'the hops', 0, maxHops),
    left: readInteger(field(body, 'left'), 'the time left', 1, maxLeftMilliseconds),
  };
}

export interface Reached {
  /** Hosts that searched. */
  readonly answered: number;
  /** Parts of the ring that could not be reached. */
  readonly missed: number;
}

export const encodeReached = ({ answered, missed }: Reached): Wire => ({ answered, missed });

export function decodeReached(body: Wire): Reached {
  return {
    answered: readInteger(field(body, 'answered'), 'the hosts that looked', 0, maxHosts),
    missed: readInteger(field(body, 'missed'), 'the parts missed', 0, maxHosts),
  };
}

export const encodeFound = (id: string, hits: readonly Hit[]): Wire => ({ id, hits: encodeHits(hits) });

export function decodeFound(body: Wire): { readonly id: string; readonly hits: readonly Hit[] } {
  return { id: readId(field(body, 'id')), hits: decodeHits(field(body, 'hits')) };
}

export const encodeMore = (more: boolean): Wire => ({ more });

export function decodeMore(body: Wire): boolean {
  return readBoolean(field(body, 'more'), 'whether more is wanted');
}

function readWord(value: Wire): string {
  const word = readText(value, 'a word', maxWordCharacters * 4 + maxPlaceCharacters);
  if (word === '' || word.includes('\0')) throw malformed('a word is none');
  return word;
}

function readId(value: Wire): string {
  const id = readText(value, 'the id of a query', 36);
  if (!uuid.test(id)) throw malformed('the id of a query is no UUID');
  return id;
}

function readRingId(value: Wire, bits: number): RingId {
  const id = readText(value, 'a ring id', 64);
  if (id.length !== Math.ceil(bits / 4) || !/^[0-9a-f]+$/.test(id)) throw malformed('a ring id is none');
  return id as RingId;
}
