/**
 * Messages about shares; docs/wire-format.md says what each means. A header is sent as its signed bytes, a leaf as
 * share-leaf.ts encodes it; `batch` is the index of a header in the same message, `place` the index of a leaf in its batch.
 */
import { Message } from '../wire/message.ts';
import {
  bool,
  bytes,
  bytesUpTo,
  hex,
  int,
  list,
  listFor,
  map,
  nullable,
  refine,
  text,
  tuple,
  uint,
  type ValueOf,
} from '../wire/schema.ts';
import { maxHeaderBytes } from './batch-header.ts';
import { hashBytes, maxLevels } from './merkle-run.ts';
import { recordKey } from './record-messages.ts';
import { maxLeafBytes } from './share-leaf.ts';

export const maxRunsPerMessage = 256;
export const maxLeavesPerMessage = 2048;
/** Bytes of the leaves of one put. */
export const maxPutBytes = 1024 * 1024;
export const maxHeadersPerMessage = 64;
/** Headers per message: with leaves of 500 kB within a small message. */
export const maxHeaderBytesPerMessage = 300 * 1024;
/** Leaves per answer: at most 8 KiB each, with proofs of 640 bytes. */
export const maxLeavesPerAnswer = 64;
const leafItemKeyBytes = 48;
const maxPlace = 2 ** maxLevels;
const maxCodeCharacters = 40;

const headers = (least: number) => list(bytesUpTo(maxHeaderBytes), maxHeadersPerMessage, least);
const batch = int(0, maxHeadersPerMessage - 1);
const place = int(0, maxPlace);
const wrongBatch = 'refers to a header that is not in it';

const run = tuple({
  batch,
  first: place,
  sizes: list(int(1, maxLeafBytes), maxLeavesPerMessage, 1),
  proof: list(bytes(hashBytes), 2 * maxLevels),
});
export type Run = ValueOf<typeof run>;

const put = refine(map({ headers: headers(1), runs: list(run, maxRunsPerMessage, 1) }), (value) => {
  if (value.runs.some((one) => one.batch >= value.headers.length)) return wrongBatch;
  const sizes = value.runs.flatMap((one) => one.sizes);
  return sizes.length > maxLeavesPerMessage || sizes.reduce((sum, size) => sum + size, 0) > maxPutBytes
    ? 'has too many leaves'
    : null;
});
export type Put = ValueOf<typeof put>;

/** A leaf with its proof. */
const leaf = tuple({
  batch,
  place,
  bytes: bytesUpTo(maxLeafBytes, 1),
  proof: refine(bytesUpTo(maxLevels * hashBytes), ({ length }) => (length % hashBytes === 0 ? null : 'is not hashes')),
});
export type SentLeaf = ValueOf<typeof leaf>;

const leafQuestion = map({ key: recordKey, after: uint });
export type LeafQuestion = ValueOf<typeof leafQuestion>;

const leafPage = refine(
  map({ headers: headers(0), leaves: list(leaf, maxLeavesPerAnswer), more: nullable(uint), unknown: bool }),
  (page) => (page.leaves.some((one) => one.batch >= page.headers.length) ? wrongBatch : null),
);
export type LeafPage = ValueOf<typeof leafPage>;

const pulled = refine(
  map({
    headers: headers(0),
    leaves: listFor(nullable(leaf), ({ keys }: { readonly keys: readonly string[] }) => keys.length),
  }),
  (page) => (page.leaves.some((one) => one !== null && one.batch >= page.headers.length) ? wrongBatch : null),
);
export type Pulled = ValueOf<typeof pulled>;

export const shareMessages = {
  put: new Message(
    'shares.put',
    put,
    map({ results: listFor(text(maxCodeCharacters), ({ runs }: Put) => runs.length) }),
  ),
  renew: new Message(
    'shares.renew',
    map({ headers: headers(1) }),
    map({
      leaves: listFor(int(-1, maxPlace), (asked: { readonly headers: readonly Uint8Array[] }) => asked.headers.length),
    }),
  ),
  get: new Message('shares.get', leafQuestion, leafPage),
  pull: new Message('shares.pull', map({ keys: list(hex(leafItemKeyBytes), maxLeavesPerAnswer, 1) }), pulled),
};
