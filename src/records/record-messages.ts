/**
 * Wire formats of messages about records; entries are sent as their canonical bytes.
 *
 * `records.put` `{entries}` → `{results}`, each `stored`, `known` (this one or a newer is present) or an error code.
 * `records.get` `{keys, kinds, after}` → `{entries: [[entry…] per key], more, unknown}`: entries of a key sorted by
 * identity, at most a page per key; `more[i]` is the cursor for the next page, or null. `after` is for one key.
 * `unknown[i]`: this host is not authoritative, so there may be more at the next places.
 * `records.list` `{kind, cursor, limit}` → `{entries, cursor}`: all entries of a kind held by the host, in pages.
 */
import type { Wire } from '../network/transport.ts';
import { field, malformed, readBoolean, readInteger, readList, readText } from '../network/wire-reading.ts';
import { decodeEntry, type EncodedEntry, maxEntryBytes, type RecordKind, recordKinds } from './entry.ts';
import { isRecordKey, type RecordKey } from './record-keys.ts';

export const recordMessages = { put: 'records.put', get: 'records.get', list: 'records.list' } as const;

/** 128 entries of at most 4 KiB: half of the limit of a small message. */
export const maxEntriesPerMessage = 128;
export const maxKeysPerQuestion = 64;
const maxCursorCharacters = 4096;
const maxCodeCharacters = 40;

export const encodeEntries = (entries: readonly EncodedEntry[]): Wire => ({
  entries: entries.map(({ bytes }) => bytes),
});

/** Raw bytes, parsed later: one malformed entry must not affect the others. */
export function decodeEntryBytes(body: Wire): readonly Uint8Array[] {
  return readList(field(body, 'entries'), 'the list of records', 0, maxEntriesPerMessage).map(readEntryBytes);
}

export const encodeEntryResults = (results: readonly string[]): Wire => ({ results });

export function decodeEntryResults(body: Wire, count: number): readonly string[] {
  const results = readList(field(body, 'results'), 'the list of results', count, count);
  return results.map((result) => readText(result, 'a result', maxCodeCharacters));
}

export interface RecordQuestion {
  readonly keys: readonly RecordKey[];
  readonly kinds: readonly RecordKind[];
  /** End of the previous page; only for one key. */
  readonly after: string | null;
}

export const encodeQuestion = ({ keys, kinds, after }: RecordQuestion): Wire => ({ keys, kinds, after });

export function decodeQuestion(body: Wire): RecordQuestion {
  const keys = readList(field(body, 'keys'), 'the list of keys', 1, maxKeysPerQuestion).map((key) => {
    if (!isRecordKey(key)) throw malformed('a key is not 64 hexadecimal digits');
    return key;
  });
  const kinds = readList(field(body, 'kinds'), 'the list of kinds', 1, recordKinds.length).map(readKind);
  const after = readCursor(field(body, 'after'));
  if (after !== null && keys.length !== 1) throw malformed('a page goes on for one key only');
  return { keys, kinds, after };
}

export interface RecordPages {
  /** Per requested key. */
  readonly entries: readonly (readonly Uint8Array[])[];
  readonly more: readonly (string | null)[];
  readonly unknown: readonly boolean[];
}

export const encodePages = ({ entries, more, unknown }: RecordPages): Wire => ({ entries, more, unknown });

export function decodePages(body: Wire, keys: number): RecordPages {
  const entries = readList(field(body, 'entries'), 'the pages', keys, keys).map((page) =>
    readList(page, 'a page of records', 0, maxEntriesPerMessage).map(readEntryBytes),
  );
  const more = readList(field(body, 'more'), 'the cursors', keys, keys).map(readCursor);
  const unknown = readList(field(body, 'unknown'), 'what is unknown', keys, keys);
  return { entries, more, unknown: unknown.map((value) => readBoolean(value, 'what is unknown')) };
}

export interface ListQuestion {
  readonly kind: RecordKind;
  readonly cursor: string | null;
  readonly limit: number;
}

export function decodeListQuestion(body: Wire): ListQuestion {
  const limit = readInteger(field(body, 'limit'), 'the limit', 1, maxEntriesPerMessage);
  return { kind: readKind(field(body, 'kind')), cursor: readCursor(field(body, 'cursor')), limit };
}

export function decodeListAnswer(body: Wire): { entries: readonly Uint8Array[]; cursor: string | null } {
  return { entries: decodeEntryBytes(body), cursor: readCursor(field(body, 'cursor')) };
}

/** Readable ones; malformed entries count as absent. */
export function readableEntries(list: readonly Uint8Array[], refused: (error: Error) => void): readonly EncodedEntry[] {
  return list.flatMap((bytes) => {
    try {
      return [decodeEntry(bytes)];
    } catch (error) {
      refused(error as Error);
      return [];
    }
  });
}

function readKind(value: Wire): RecordKind {
  const kind = recordKinds.find((known) => known === value);
  if (kind === undefined) throw malformed('a kind of record is unknown');
  return kind;
}

function readEntryBytes(value: Wire): Uint8Array {
  if (value instanceof Uint8Array && value.length <= maxEntryBytes) return value;
  throw malformed('a record is not bytes, or too many');
}

function readCursor(value: Wire): string | null {
  return value === null ? null : readText(value, 'a cursor', maxCursorCharacters);
}
