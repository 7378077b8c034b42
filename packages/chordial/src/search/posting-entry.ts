/** Postings of a put: one signed entry for each word of the name, kept on the ring independently of the publisher. */
import { checkCid, decodeCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { EncodedEntry, EntryBody, UnsignedEntry } from '../records/entry.ts';
import { tombstoneMilliseconds } from '../records/entry.ts';
import type { NameEntry } from '../records/name-entry.ts';
import { type HeldShareEntry, readShareBody, readSubject, sharePostingEntry } from '../records/share-entry.ts';
import type { Hit } from './hit.ts';
import { usualFacts } from './posting-body.ts';

/**
 * The part of a posting that ranks it. A frequent word has thousands, of which one page is shown: the rest is validated here
 * and decoded for the page.
 */
export interface Posting extends Pick<Hit, 'name' | 'size' | 'time' | 'source' | 'isShared'> {
  /** Binary CID. */
  readonly root: Uint8Array;
  /** In DAG-CBOR for a share. */
  readonly body: Uint8Array | EntryBody;
}

/** Keys of the postings of a name. */
export type WordsOfName = (name: string) => readonly string[];

/** One for each word and prefix of the name. */
export function postingsOf(entry: NameEntry, wordsOf: WordsOfName): readonly UnsignedEntry[] {
  const { publisher, sequence, expiry } = entry;
  const body = postingBody(entry);
  return subjectsOf(entry, wordsOf).map((subject) => ({ kind: 'posting', subject, publisher, sequence, expiry, body }));
}

/** Tombstones for the postings of a name that its publisher has removed or given another content. */
export function postingTombstones(
  entry: Pick<NameEntry, 'name' | 'cid' | 'publisher'>,
  wordsOf: WordsOfName,
  sequence: number,
  now: number,
): readonly UnsignedEntry[] {
  const { publisher } = entry;
  const expiry = now + tombstoneMilliseconds;
  return subjectsOf(entry, wordsOf).map((subject) => ({
    kind: 'posting',
    subject,
    publisher,
    sequence,
    expiry,
    body: null,
  }));
}

/** Content of a posting, of a share or put. */
export function postingBody(file: Pick<Hit, 'size' | 'type' | 'sha256' | 'time'>): EntryBody {
  const { size, type, sha256, time } = file;
  return { size, type, sha256, time };
}

/**
 * Null for an empty posting. One under a word that its name does not contain is not detected here: no query of that
 * word matches its name.
 */
export function readPosting({ entry }: EncodedEntry): Posting | null {
  const { body, publisher } = entry;
  if (body === null) return null;
  return read(entry, body, { source: { host: publisher, addresses: [] }, isShared: false });
}

export function readSharedPosting(entry: HeldShareEntry): Posting | null {
  return read(entry, entry.body, { source: entry.source, isShared: true });
}

export function hitOf({ name, root, body, source, isShared }: Posting): Hit {
  const facts = factsOf(body instanceof Uint8Array ? readShareBody({ body }) : body);
  if (facts === null) throw new Error('the body of a validated posting is invalid');
  return { name, root: decodeCid(root), ...facts, source, isShared };
}

function read(
  entry: Pick<HeldShareEntry, 'kind' | 'subject'>,
  body: Posting['body'],
  { source, isShared }: Pick<Hit, 'source' | 'isShared'>,
): Posting | null {
  try {
    const { name, root } = readSubject(entry);
    if (checkName(name) !== name) return null;
    checkCid(root);
    const facts = body instanceof Uint8Array ? (usualFacts(body) ?? factsOf(readShareBody({ body }))) : factsOf(body);
    return facts === null ? null : { name, size: facts.size, time: facts.time, source, isShared, root, body };
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}

function factsOf({ size, type, sha256, time }: EntryBody): Pick<Hit, 'size' | 'type' | 'sha256' | 'time'> | null {
  if (!isCount(size) || !isCount(time) || (type !== 'file' && type !== 'directory')) return null;
  if (sha256 !== null && (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))) return null;
  return { size, type, sha256, time };
}

function subjectsOf({ name, cid }: Pick<NameEntry, 'name' | 'cid'>, wordsOf: WordsOfName): readonly Uint8Array[] {
  const none = new Uint8Array();
  return wordsOf(name).map((word) => sharePostingEntry(word, name, cid, none).subject);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
