/** The messages of searching; docs/wire-format.md says what each means. */
import type { RingId } from '@chordial/ring';
import { hostKey } from '../network/host-id.ts';
import { Message } from '../wire/message.ts';
import {
  bool,
  bytes,
  convert,
  int,
  list,
  listFor,
  map,
  refine,
  text,
  textThat,
  tuple,
  uint,
  type ValueOf,
} from '../wire/schema.ts';
import type { WordFrequency } from './frequent-words.ts';
import type { Hit } from './hit.ts';
import { hits } from './hit-codec.ts';
import { maxQueryBytes } from './query.ts';
import { maxWordCharacters } from './words.ts';

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

/** UUID of a query. */
const id = textThat((wire): wire is string => typeof wire === 'string' && uuid.test(wire), 'is no UUID');
const word = refine(text(maxWordCharacters * 4 + maxPlaceCharacters), (value) =>
  value === '' || value.includes('\0') ? 'is no word' : null,
);
/** As long as the ring's are: that is for its reader to check. */
const ringId = textThat(
  (wire): wire is RingId => typeof wire === 'string' && /^[0-9a-f]{1,64}$/.test(wire),
  'is no identifier of a member',
);

const wordQuestion = map({
  id,
  word,
  query: text(maxQueryBytes),
  skip: int(0, maxSkip),
  limit: int(1, maxHitsPerPage),
});
export type WordQuestion = ValueOf<typeof wordQuestion>;

export interface HitPage {
  readonly hits: readonly Hit[];
  /** Of all pages. */
  readonly total: number;
  /** More postings of the word are under the keys over which it is split. */
  readonly isSplit: boolean;
}

const hitPage = convert(
  map({ hits, total: int(0, maxCounted), split: bool }),
  ({ isSplit, ...page }: HitPage) => ({ ...page, split: isSplit }),
  ({ split, ...page }): HitPage => ({ ...page, isSplit: split }),
);

/** A member that is asked, responsible for the ring from itself up to, not including, `end`. */
const part = tuple({ member: ringId, end: ringId });
export type Part = ValueOf<typeof part>;

const broadcastQuestion = map({
  id,
  pattern: text(maxQueryBytes),
  /** The asker discards hits beyond this. */
  most: int(1, maxBroadcastHits),
  asker: hostKey,
  /** Milliseconds since 1970 by the asker's clock. */
  time: uint,
  /** The asker's, over `signedQuestion`. */
  signature: bytes(signatureBytes),
  parts: list(part, maxParts, 1),
  /** Remaining hops. */
  hops: int(0, maxHops),
  /** Milliseconds until the asker stops waiting. */
  left: int(1, maxLeftMilliseconds),
});
export type BroadcastQuestion = ValueOf<typeof broadcastQuestion>;

/** What the asker signs: `chordial search v1`, network, id, pattern, max hits and time, each after a zero byte. */
export function signedQuestion(
  networkId: string,
  question: Pick<BroadcastQuestion, 'id' | 'pattern' | 'most' | 'time'>,
): Uint8Array {
  const { pattern, most, time } = question;
  return Buffer.from(['chordial search v1', networkId, question.id, pattern, most, time].join('\0'));
}

const reached = map({
  /** Hosts that searched. */
  answered: int(0, maxHosts),
  /** Unreachable parts of the ring. */
  missed: int(0, maxHosts),
});
export type Reached = ValueOf<typeof reached>;

const countOf = ({ words }: { readonly words: readonly string[] }): number => words.length;

export const searchMessages = {
  count: new Message(
    'search.count',
    map({ words: list(word, maxWordsCounted, 1) }),
    convert(
      map({ counts: listFor(int(0, maxCounted), countOf), split: listFor(bool, countOf) }),
      (frequencies: readonly WordFrequency[]) => ({
        counts: frequencies.map(({ count }) => Math.min(count, maxCounted)),
        split: frequencies.map(({ isSplit }) => isSplit),
      }),
      ({ counts, split }): readonly WordFrequency[] =>
        counts.map((count, place) => ({ count, isSplit: split[place]! })),
    ),
  ),
  query: new Message('search.query', wordQuestion, hitPage),
  ask: new Message('search.ask', broadcastQuestion, reached),
  hits: new Message('search.hits', map({ id, hits }), map({ more: bool })),
};
