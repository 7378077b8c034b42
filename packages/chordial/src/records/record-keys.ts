/** Ring keys of records. */
import { hash } from 'node:crypto';
import { placedNameKey } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { linkSubjectBytes, type UnsignedEntry } from './entry.ts';
import { nameOf } from './name-entry.ts';

/** 64 hexadecimal digits; the first `bits` bits are the position. */
export type RecordKey = string & { readonly __recordKey: unique symbol };

export const prefixMark = 'pre:';

/** The part of the genesis that decides the position of a name: in a teaching ring decimal names are where they say. */
export interface RecordPlaces {
  readonly bits: number;
  readonly teaching: boolean;
}

export function recordKeyOfName(name: string, places: RecordPlaces): RecordKey {
  return placedNameKey(name, places.bits, places.teaching) as RecordKey;
}

export function isRecordKey(value: unknown): value is RecordKey {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

/** The key of an entry. Throws `bad-content` when the entry has no valid subject. */
export function recordKeyOf(entry: UnsignedEntry, places: RecordPlaces): RecordKey {
  if (entry.kind === 'name') return recordKeyOfName(nameOf(entry), places);
  if (entry.kind === 'provider') return providerKey(entry.subject);
  return entry.kind === 'link' ? linkKey(entry.subject) : wordKey(wordOf(entry));
}

/** A link is found by what its subject is a hash of. */
export function linkKey(subject: Uint8Array): RecordKey {
  if (subject.length === linkSubjectBytes) return Buffer.from(subject).toString('hex') as RecordKey;
  throw new ChordialError('bad-content', 'The subject of a link is no hash. It was refused.');
}

/** The subject of a posting begins with its word and NUL: a tombstone, which has no body, is located by it. */
function wordOf({ subject }: UnsignedEntry): string {
  const end = subject.indexOf(0);
  if (end < 1) throw new ChordialError('bad-content', 'A posting does not name its word. It was refused.');
  return Buffer.from(subject.buffer, subject.byteOffset, end).toString('utf8');
}

/** @param multihash of the content's root */
export function providerKey(multihash: Uint8Array): RecordKey {
  return hash('sha256', Buffer.concat([Buffer.from('provider:'), multihash]), 'hex') as RecordKey;
}

/** `pre:abc` stands for all words with this prefix and has its own key (spec/4, Search); words contain no colon. */
export function wordKey(word: string): RecordKey {
  return hash('sha256', word.startsWith(prefixMark) ? word : `word:${word}`, 'hex') as RecordKey;
}
