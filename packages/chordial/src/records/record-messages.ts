/** Messages about records, which are sent as their canonical bytes; docs/wire-format.md says what each means. */
import { Message } from '../wire/message.ts';
import {
  bool,
  bytesUpTo,
  int,
  list,
  listFor,
  map,
  nullable,
  oneOf,
  refine,
  text,
  textThat,
  type ValueOf,
} from '../wire/schema.ts';
import { decodeEntry, type EncodedEntry, listedKinds, maxEntryBytes, recordKinds } from './entry.ts';
import { isRecordKey } from './record-keys.ts';

/** 128 entries of at most 4 KiB: half of the limit of a small message. */
export const maxEntriesPerMessage = 128;
export const maxKeysPerQuestion = 64;
const maxCursorCharacters = 4096;
const maxCodeCharacters = 40;

export const recordKey = textThat(isRecordKey, 'is not 64 hexadecimal digits');
const kind = oneOf(recordKinds);
const cursor = nullable(text(maxCursorCharacters));
/** Raw bytes, parsed later: one malformed entry must not affect the others. */
const entries = list(bytesUpTo(maxEntryBytes), maxEntriesPerMessage);

const question = refine(
  map({
    keys: list(recordKey, maxKeysPerQuestion, 1),
    kinds: list(kind, recordKinds.length, 1),
    /** Where the page before ended; only with one key. */
    after: cursor,
  }),
  ({ keys, after }) => (after !== null && keys.length !== 1 ? 'continues a page for more than one key' : null),
);
export type RecordQuestion = ValueOf<typeof question>;

const listQuestion = map({ kind: oneOf(listedKinds), cursor, limit: int(1, maxEntriesPerMessage) });
export type ListQuestion = ValueOf<typeof listQuestion>;

const countOf = ({ keys }: Pick<RecordQuestion, 'keys'>): number => keys.length;
const pages = map({
  entries: listFor(entries, countOf),
  more: listFor(cursor, countOf),
  unknown: listFor(bool, countOf),
});
export type RecordPages = ValueOf<typeof pages>;

const sealedQuestion = map({ cursor, limit: int(1, maxEntriesPerMessage) });

const listPage = map({ entries, cursor });
export type ListPage = ValueOf<typeof listPage>;

interface Put {
  readonly entries: readonly Uint8Array[];
}

export const recordMessages = {
  put: new Message(
    'records.put',
    map({ entries }),
    map({ results: listFor(text(maxCodeCharacters), (put: Put) => put.entries.length) }),
  ),
  get: new Message('records.get', question, pages),
  list: new Message('records.list', listQuestion, listPage),
  sealed: new Message('records.sealed', sealedQuestion, listPage),
};

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
