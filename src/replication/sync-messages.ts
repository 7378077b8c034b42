/**
 * Wire formats of reconciliation. A key is 32 bytes for a block, 48 for a record or a leaf of a share; a range runs
 * clockwise from `after` (exclusive) to `up to`; a set is 0 for records, 9 for leaves, else the replicas wanted of its
 * blocks.
 *
 * `sync.compare` `{ranges: [[set, after, up to, count, fingerprint]…]}` → `{answers: [[−1 when they are equal, else the
 * count here; whether the range is confirmed here]…]}`
 * `sync.items` `{set, after, upTo, cursor}` → `{items: [[key, digest, CID or null]…], cursor}`, in key order
 * `sync.records` `{keys}` → `{entries: [the record's bytes, or null when it is absent]…}`
 * `sync.holds` `{items: [[set, key, digest]…], nonce}` → `{answers: [[0 absent, 1 equal, 2 another digest; whether the
 * key is confirmed here; proof]…]}`. With a nonce each item that is present comes with its proof (possession.ts), as
 * far as one request may cost; else nonce and proofs are null
 * `sync.confirm` `{ranges: [[after, up to]…]}` → `{}`: what the owner of these ranges holds, the receiver holds as well
 */
import type { Wire } from '../network/transport.ts';
import { field, malformed, readBoolean, readBytes, readInteger, readList, readTuple } from '../network/wire-reading.ts';
import { maxEntryBytes } from '../records/entry.ts';
import { fingerprintBytes, lanesToBytes } from '../storage/fingerprint.ts';
import { everySet, type Item, type ItemSet, numberOfSet, recordSet, setNumbered } from '../storage/item-index.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import { nonceBytes, proofBytes } from './possession.ts';
import { readCid } from './wire-fields.ts';

export const syncMessages = {
  compare: 'sync.compare',
  items: 'sync.items',
  records: 'sync.records',
  holds: 'sync.holds',
  confirm: 'sync.confirm',
} as const;

export const maxRangesPerMessage = 512;
/** Of at most 120 bytes each: a quarter of a small message. */
export const maxItemsPerPage = 2048;
/** Of at most 4 KiB each: half of a small message. */
export const maxRecordsPerMessage = 128;
export const maxItemsPerQuestion = 1024;
const keyBytes = 32;
const recordItemBytes = 48;
const digestBytes = 16;
const maxCount = Number.MAX_SAFE_INTEGER;

export interface ComparedRange {
  readonly set: ItemSet;
  readonly range: KeyArc;
  readonly count: number;
  /** Hexadecimal. */
  readonly fingerprint: string;
}

export interface RangeAnswer {
  /** Number of items there, or null when both are equal. */
  readonly differs: number | null;
  readonly confirmed: boolean;
}

export type Held = 'absent' | 'same' | 'other';
const heldCodes: readonly Held[] = ['absent', 'same', 'other'];

export interface HeldAnswer {
  readonly held: Held;
  readonly confirmed: boolean;
  /** 32 bytes; null when not requested, or beyond the cost limit. */
  readonly proof: Uint8Array | null;
}

export interface HoldsQuestion {
  readonly items: readonly AskedItem[];
  /** 32 bytes; null: no proof is requested. */
  readonly nonce: Uint8Array | null;
}

/** What is sent of an item. */
export type ListedItem = Pick<Item, 'key' | 'digest' | 'cid'>;

export interface AskedItem {
  readonly set: ItemSet;
  readonly key: string;
  readonly digest: string;
}

export interface ItemsQuestion {
  readonly set: ItemSet;
  readonly range: KeyArc;
  readonly cursor: string | null;
}

export const fingerprintText = (lanes: readonly number[]): string => hexOf(lanesToBytes(lanes));

export const encodeRanges = (ranges: readonly ComparedRange[]): Wire => ({
  ranges: ranges.map(({ set, range, count, fingerprint }) => [
    numberOfSet(set),
    bytesOf(range.after),
    bytesOf(range.upTo),
    count,
    bytesOf(fingerprint),
  ]),
});

export function decodeRanges(body: Wire): readonly ComparedRange[] {
  return readList(field(body, 'ranges'), 'the ranges', 1, maxRangesPerMessage).map((entry) => {
    const [set, after, upTo, count, fingerprint] = readTuple(entry, 'a range', 5);
    return {
      set: readSet(set),
      range: { after: readKey(after), upTo: readKey(upTo) },
      count: readInteger(count, 'a count', 0, maxCount),
      fingerprint: hexOf(readBytes(fingerprint, 'a fingerprint', fingerprintBytes)),
    };
  });
}

export const encodeRangeAnswers = (answers: readonly RangeAnswer[]): Wire => ({
  answers: answers.map(({ differs, confirmed }) => [differs ?? -1, confirmed]),
});

export function decodeRangeAnswers(body: Wire, count: number): readonly RangeAnswer[] {
  return readList(field(body, 'answers'), 'the answers', count, count).map((entry) => {
    const [differs, confirmed] = readTuple(entry, 'an answer', 2);
    const items = readInteger(differs, 'a count', -1, maxCount);
    return { differs: items === -1 ? null : items, confirmed: readBoolean(confirmed, 'an answer') };
  });
}

export const encodeItemsQuestion = ({ set, range, cursor }: ItemsQuestion): Wire => ({
  set: numberOfSet(set),
  after: bytesOf(range.after),
  upTo: bytesOf(range.upTo),
  cursor: cursor === null ? null : bytesOf(cursor),
});

export function decodeItemsQuestion(body: Wire): ItemsQuestion {
  const cursor = field(body, 'cursor');
  const set = readSet(field(body, 'set'));
  return {
    set,
    range: { after: readKey(field(body, 'after')), upTo: readKey(field(body, 'upTo')) },
    cursor: cursor === null ? null : readItemKey(cursor, set),
  };
}

export interface ItemsPage {
  readonly items: readonly ListedItem[];
  readonly cursor: string | null;
}

export const encodeItems = ({ items, cursor }: ItemsPage): Wire => ({
  items: items.map(({ key, digest, cid }) => [bytesOf(key), bytesOf(digest), cid === null ? null : cid.bytes]),
  cursor: cursor === null ? null : bytesOf(cursor),
});

export function decodeItems(body: Wire, set: ItemSet): ItemsPage {
  const cursor = field(body, 'cursor');
  const items = readList(field(body, 'items'), 'the items', 0, maxItemsPerPage).map((entry) => {
    const [key, digest, cid] = readTuple(entry, 'an item', 3);
    return {
      key: readItemKey(key, set),
      digest: hexOf(readBytes(digest, 'a digest', digestBytes)),
      cid: cid === null ? null : readCid(cid),
    };
  });
  if (items.some(({ cid }) => (cid === null) !== (set.kind !== 'blocks')))
    throw malformed('a block comes without its CID');
  return { items, cursor: cursor === null ? null : readItemKey(cursor, set) };
}

export const encodeKeys = (keys: readonly string[]): Wire => ({ keys: keys.map(bytesOf) });

export function decodeRecordKeys(body: Wire): readonly string[] {
  const keys = readList(field(body, 'keys'), 'the keys', 1, maxRecordsPerMessage);
  return keys.map((key) => readItemKey(key, recordSet));
}

export const encodeRecords = (entries: readonly (Uint8Array | null)[]): Wire => ({ entries });

export function decodeRecords(body: Wire, count: number): readonly (Uint8Array | null)[] {
  return readList(field(body, 'entries'), 'the records', count, count).map((entry) => {
    if (entry === null) return null;
    if (entry instanceof Uint8Array && entry.length <= maxEntryBytes) return entry;
    throw malformed('a record is not bytes, or too many');
  });
}

export const encodeHoldsQuestion = ({ items, nonce }: HoldsQuestion): Wire => ({
  nonce,
  items: items.map(({ set, key, digest }) => [numberOfSet(set), bytesOf(key), bytesOf(digest)]),
});

export function decodeHoldsQuestion(body: Wire): HoldsQuestion {
  const nonce = field(body, 'nonce');
  const items = readList(field(body, 'items'), 'the items', 1, maxItemsPerQuestion).map((entry) => {
    const [number, key, digest] = readTuple(entry, 'an item', 3);
    const set = readSet(number);
    return { set, key: readItemKey(key, set), digest: hexOf(readBytes(digest, 'a digest', digestBytes)) };
  });
  return { items, nonce: nonce === null ? null : readBytes(nonce, 'a nonce', nonceBytes) };
}

export const encodeHeldAnswers = (answers: readonly HeldAnswer[]): Wire => ({
  answers: answers.map(({ held, confirmed, proof }) => [heldCodes.indexOf(held), confirmed, proof]),
});

export function decodeHeldAnswers(body: Wire, count: number): readonly HeldAnswer[] {
  return readList(field(body, 'answers'), 'the answers', count, count).map((entry) => {
    const [code, confirmed, proof] = readTuple(entry, 'an answer', 3);
    const held = heldCodes[readInteger(code, 'an answer', 0, heldCodes.length - 1)] ?? 'absent';
    const isConfirmed = readBoolean(confirmed, 'an answer');
    return { held, confirmed: isConfirmed, proof: proof === null ? null : readBytes(proof, 'a proof', proofBytes) };
  });
}

export const encodeConfirmed = (ranges: readonly KeyArc[]): Wire => ({
  ranges: ranges.map(({ after, upTo }) => [bytesOf(after), bytesOf(upTo)]),
});

export function decodeConfirmed(body: Wire): readonly KeyArc[] {
  return readList(field(body, 'ranges'), 'the ranges', 1, maxRangesPerMessage).map((entry) => {
    const [after, upTo] = readTuple(entry, 'a range', 2);
    return { after: readKey(after), upTo: readKey(upTo) };
  });
}

function readSet(value: Wire): ItemSet {
  return setNumbered(readInteger(value, 'a set', 0, everySet.length - 1));
}

function readKey(value: Wire): string {
  return hexOf(readBytes(value, 'a key', keyBytes));
}

function readItemKey(value: Wire, set: ItemSet): string {
  return hexOf(readBytes(value, 'the key of an item', set.kind === 'blocks' ? keyBytes : recordItemBytes));
}

function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
