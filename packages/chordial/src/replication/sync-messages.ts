/** The messages of reconciliation; docs/wire-format.md says what each means. */
import { hostId } from '../network/host-id.ts';
import { maxEntryBytes } from '../records/entry.ts';
import { fingerprintBytes, lanesToBytes } from '../storage/fingerprint.ts';
import {
  blockSet,
  everySet,
  type Item,
  type ItemSet,
  keyBytesOf,
  numberOfSet,
  recordSet,
  setNumbered,
} from '../storage/item-index.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import { Message } from '../wire/message.ts';
import {
  bool,
  bytes,
  bytesUpTo,
  cid,
  convert,
  hex,
  int,
  list,
  listFor,
  map,
  named,
  nullable,
  numbered,
  refine,
  tuple,
  uint,
  type ValueOf,
} from '../wire/schema.ts';

export const maxRangesPerMessage = 512;
/** Of at most 120 bytes each: a quarter of a small message. */
export const maxItemsPerPage = 2048;
/** Of at most 4 KiB each: half of a small message. */
export const maxRecordsPerMessage = 128;
export const maxItemsPerQuestion = 1024;
/** Hosts named for a range of which they may know more. */
export const maxMissedTold = 16;
const keyBytes = keyBytesOf(blockSet(1));
const longKeyBytes = keyBytesOf(recordSet);
const digestBytes = 16;
export const nonceBytes = 32;
export const proofBytes = 32;

export const fingerprintText = (lanes: readonly number[]): string => Buffer.from(lanesToBytes(lanes)).toString('hex');

const set = convert(int(0, everySet.length - 1), numberOfSet, setNumbered);
const key = hex(keyBytes);
const itemKey = hex(keyBytes, longKeyBytes);
const digest = hex(digestBytes);
/** From `after`, which is left out, to `upTo`. */
const arc = { after: key, upTo: key };

/** Whether keys of this length are keys of the set. */
const isKeyOf = (text: string, of: ItemSet): boolean => text.length === 2 * keyBytesOf(of);
const wrongKey = 'has a key of another length than those of its set';

/** The ends of a range are among the other fields on the wire. */
function flat<Value extends { readonly range: KeyArc }>({ range, ...rest }: Value): Omit<Value, 'range'> & KeyArc {
  return { ...rest, after: range.after, upTo: range.upTo };
}

const comparedRange = convert(
  tuple({ set, ...arc, count: uint, fingerprint: hex(fingerprintBytes) }),
  (value: ComparedRange) => flat(value),
  ({ after, upTo, ...rest }): ComparedRange => ({ ...rest, range: { after, upTo } }),
);

export interface ComparedRange {
  readonly set: ItemSet;
  readonly range: KeyArc;
  readonly count: number;
  /** Hexadecimal. */
  readonly fingerprint: string;
}

const rangeAnswer = tuple({
  /** Items there, or null when both hold the same. */
  differs: convert(
    int(-1, Number.MAX_SAFE_INTEGER),
    (count: number | null) => count ?? -1,
    (count) => (count === -1 ? null : count),
  ),
  confirmed: numbered(['no', 'doubted', 'sure']),
});
export type RangeAnswer = ValueOf<typeof rangeAnswer>;

export interface ItemsQuestion {
  readonly set: ItemSet;
  readonly range: KeyArc;
  readonly cursor: string | null;
}

const itemsQuestion = refine(
  convert(
    map({ set, ...arc, cursor: nullable(itemKey) }),
    (value: ItemsQuestion) => flat(value),
    ({ after, upTo, ...rest }): ItemsQuestion => ({ ...rest, range: { after, upTo } }),
  ),
  ({ cursor, set: of }) => (cursor === null || isKeyOf(cursor, of) ? null : wrongKey),
);

/** What goes over the wire of an item. */
export type ListedItem = Pick<Item, 'key' | 'digest' | 'cid'>;

const itemsPage = refine(
  map({ items: list(tuple({ key: itemKey, digest, cid: nullable(cid) }), maxItemsPerPage), cursor: nullable(itemKey) }),
  ({ items, cursor }, { set: of }: ItemsQuestion) => {
    if (items.some((item) => !isKeyOf(item.key, of)) || (cursor !== null && !isKeyOf(cursor, of))) return wrongKey;
    return items.some((item) => (item.cid === null) !== (of.kind !== 'blocks'))
      ? 'has a block without its CID, or a CID that is no block'
      : null;
  },
);

export type ItemsPage = ValueOf<typeof itemsPage>;

const askedItem = refine(tuple({ set, key: itemKey, digest }), (item) =>
  isKeyOf(item.key, item.set) ? null : wrongKey,
);
export type AskedItem = ValueOf<typeof askedItem>;

const toldRange = tuple({
  ...arc,
  /** Hosts that are away and may know more of it. */
  missed: list(hostId, maxMissedTold),
});
export type ToldRange = ValueOf<typeof toldRange>;

const holdsQuestion = map({
  items: list(askedItem, maxItemsPerQuestion, 1),
  /** null: no proof is asked for. */
  nonce: nullable(bytes(nonceBytes)),
});
export type HoldsQuestion = ValueOf<typeof holdsQuestion>;

const heldAnswer = tuple({
  held: numbered(['absent', 'same', 'other']),
  confirmed: bool,
  /** null when none was asked for, or the question had cost enough before. */
  proof: nullable(bytes(proofBytes)),
});
export type HeldAnswer = ValueOf<typeof heldAnswer>;

interface Ranges {
  readonly ranges: readonly ComparedRange[];
}

export const syncMessages = {
  compare: new Message(
    'sync.compare',
    map({ ranges: list(comparedRange, maxRangesPerMessage, 1) }),
    map({ answers: listFor(rangeAnswer, ({ ranges }: Ranges) => ranges.length) }),
  ),
  items: new Message('sync.items', itemsQuestion, itemsPage),
  records: new Message(
    'sync.records',
    map({ keys: list(hex(longKeyBytes), maxRecordsPerMessage, 1) }),
    map({
      entries: listFor(
        nullable(named('record', bytesUpTo(maxEntryBytes))),
        ({ keys }: { readonly keys: readonly string[] }) => keys.length,
      ),
    }),
  ),
  holds: new Message(
    'sync.holds',
    holdsQuestion,
    map({ answers: listFor(heldAnswer, ({ items }: HoldsQuestion) => items.length) }),
  ),
  leaving: new Message('sync.leaving', map({ isLeaving: bool }), map({})),
  confirm: new Message('sync.confirm', map({ ranges: list(toldRange, maxRangesPerMessage, 1) }), map({})),
};
