/**
 * Wire formats of messages about shares. A header is sent as its signed bytes, a leaf as share-leaf.ts encodes it;
 * `batch` is the index of a header in the same message, `place` the index of a leaf in its batch.
 *
 * `shares.put` (bulk) `{headers, runs: [[batch, place of the first leaf, [size, …], [hash, …]]…]}` and the bytes of the
 * leaves → `{results}`, one per run: `stored` or an error code.
 * `shares.renew` `{headers}` → `{leaves: [leaves of the batch here, or −1 when the header was refused…]}`
 * `shares.get` `{key, after}` → `{headers, leaves: [[batch, place, bytes, proof]…], more, unknown}`: leaves that may
 * have entries at the key; `more` is `after` for the next page, or null; `unknown` as in record-messages.ts.
 * `shares.pull` `{keys}` of leaves, as listed by reconciliation → `{headers, leaves: [[batch, place, bytes, proof] or
 * null…]}`
 */
import type { Wire } from '../network/transport.ts';
import { field, malformed, readBoolean, readInteger, readList, readText, readTuple } from '../network/wire-reading.ts';
import { maxHeaderBytes } from './batch-header.ts';
import { hashBytes, maxLevels } from './merkle-run.ts';
import { isRecordKey, type RecordKey } from './record-keys.ts';
import { maxLeafBytes } from './share-leaf.ts';

export const shareMessages = {
  put: 'shares.put',
  renew: 'shares.renew',
  get: 'shares.get',
  pull: 'shares.pull',
} as const;

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

export interface Run {
  readonly batch: number;
  readonly first: number;
  readonly sizes: readonly number[];
  readonly proof: readonly Uint8Array[];
}

export interface Put {
  readonly headers: readonly Uint8Array[];
  readonly runs: readonly Run[];
}

export const encodePut = ({ headers, runs }: Put): Wire => ({
  headers,
  runs: runs.map(({ batch, first, sizes, proof }) => [batch, first, sizes, proof]),
});

export function decodePut(body: Wire): Put {
  const headers = readHeaders(field(body, 'headers'), 1);
  let [leaves, bytes] = [0, 0];
  const runs = readList(field(body, 'runs'), 'the runs', 1, maxRunsPerMessage).map((value) => {
    const [batch, first, list, hashes] = readTuple(value, 'a run', 4);
    const sizes = readList(list, 'the sizes of leaves', 1, maxLeavesPerMessage).map((size) =>
      readInteger(size, 'the size of a leaf', 1, maxLeafBytes),
    );
    leaves += sizes.length;
    bytes += sizes.reduce((sum, size) => sum + size, 0);
    if (leaves > maxLeavesPerMessage || bytes > maxPutBytes) throw malformed('it has too many leaves');
    const proof = readList(hashes, 'a proof', 0, 2 * maxLevels).map((one) => readHashes(one, 1));
    return { batch: readBatch(batch, headers.length), first: readPlace(first), sizes, proof };
  });
  return { headers, runs };
}

export const encodePutResults = (results: readonly string[]): Wire => ({ results });

export function decodePutResults(body: Wire, count: number): readonly string[] {
  const results = readList(field(body, 'results'), 'the results', count, count);
  return results.map((result) => readText(result, 'a result', maxCodeCharacters));
}

export const encodeRenewal = (headers: readonly Uint8Array[]): Wire => ({ headers });

export function decodeRenewal(body: Wire): readonly Uint8Array[] {
  return readHeaders(field(body, 'headers'), 1);
}

export const encodeRenewed = (leaves: readonly number[]): Wire => ({ leaves });

export function decodeRenewed(body: Wire, count: number): readonly number[] {
  const leaves = readList(field(body, 'leaves'), 'the numbers of leaves', count, count);
  return leaves.map((number) => readInteger(number, 'a number of leaves', -1, maxPlace));
}

/** A leaf as served. */
export interface SentLeaf {
  readonly batch: number;
  readonly place: number;
  readonly bytes: Uint8Array;
  readonly proof: Uint8Array;
}

export interface LeafQuestion {
  readonly key: RecordKey;
  readonly after: number;
}

export const encodeLeafQuestion = ({ key, after }: LeafQuestion): Wire => ({ key, after });

export function decodeLeafQuestion(body: Wire): LeafQuestion {
  const key = field(body, 'key');
  if (!isRecordKey(key)) throw malformed('a key is not 64 hexadecimal digits');
  return { key, after: readRow(field(body, 'after')) };
}

export interface LeafPage {
  readonly headers: readonly Uint8Array[];
  readonly leaves: readonly SentLeaf[];
  /** Where the next page begins, or null. */
  readonly more: number | null;
  readonly unknown: boolean;
}

export const encodeLeafPage = ({ headers, leaves, more, unknown }: LeafPage): Wire => ({
  headers,
  leaves: leaves.map(leafTuple),
  more,
  unknown,
});

export function decodeLeafPage(body: Wire): LeafPage {
  const headers = readHeaders(field(body, 'headers'), 0);
  const more = field(body, 'more');
  const leaves = readList(field(body, 'leaves'), 'the leaves', 0, maxLeavesPerAnswer);
  return {
    headers,
    leaves: leaves.map((leaf) => readLeaf(leaf, headers.length)),
    more: more === null ? null : readRow(more),
    unknown: readBoolean(field(body, 'unknown'), 'what is unknown'),
  };
}

export const encodePull = (keys: readonly string[]): Wire => ({ keys: keys.map((key) => Buffer.from(key, 'hex')) });

export function decodePull(body: Wire): readonly string[] {
  return readList(field(body, 'keys'), 'the keys', 1, maxLeavesPerAnswer).map((key) => {
    if (key instanceof Uint8Array && key.length === leafItemKeyBytes) return Buffer.from(key).toString('hex');
    throw malformed(`a key is not ${leafItemKeyBytes} bytes`);
  });
}

export interface Pulled {
  readonly headers: readonly Uint8Array[];
  readonly leaves: readonly (SentLeaf | null)[];
}

export const encodePulled = ({ headers, leaves }: Pulled): Wire => ({
  headers,
  leaves: leaves.map((leaf) => (leaf === null ? null : leafTuple(leaf))),
});

export function decodePulled(body: Wire, count: number): Pulled {
  const headers = readHeaders(field(body, 'headers'), 0);
  const leaves = readList(field(body, 'leaves'), 'the leaves', count, count);
  return { headers, leaves: leaves.map((leaf) => (leaf === null ? null : readLeaf(leaf, headers.length))) };
}

function leafTuple({ batch, place, bytes, proof }: SentLeaf): Wire {
  return [batch, place, bytes, proof];
}

function readLeaf(value: Wire, headers: number): SentLeaf {
  const [batch, place, bytes, proof] = readTuple(value, 'a leaf', 4);
  if (!(bytes instanceof Uint8Array) || bytes.length === 0 || bytes.length > maxLeafBytes)
    throw malformed('a leaf is not bytes, or too many');
  return { batch: readBatch(batch, headers), place: readPlace(place), bytes, proof: readHashes(proof, maxLevels) };
}

function readHeaders(value: Wire, least: number): readonly Uint8Array[] {
  const headers = readList(value, 'the headers', least, maxHeadersPerMessage);
  return headers.map((header) => {
    if (header instanceof Uint8Array && header.length <= maxHeaderBytes) return header;
    throw malformed('a header is not bytes, or too many');
  });
}

function readHashes(value: Wire, most: number): Uint8Array {
  if (value instanceof Uint8Array && value.length % hashBytes === 0 && value.length <= most * hashBytes) return value;
  throw malformed('a proof is not hashes, or too many');
}

function readBatch(value: Wire, headers: number): number {
  return readInteger(value, 'a batch', 0, headers - 1);
}

function readPlace(value: Wire): number {
  return readInteger(value, 'the place of a leaf', 0, maxPlace);
}

function readRow(value: Wire): number {
  return readInteger(value, 'where to go on', 0, Number.MAX_SAFE_INTEGER);
}
