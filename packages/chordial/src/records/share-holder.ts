/**
 * The holder's side of shares: verifies headers and runs before it stores them, and serves leaves with their proofs.
 * Storage is bounded per publisher and in total.
 */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { IncomingPayload } from '../network/transport.ts';
import { rowBytes } from '../storage/schema.ts';
import type { BatchRow, HeldLeaf, LeafRow, ShareTable } from '../storage/share-table.ts';
import type { Registry } from '../wire/message.ts';
import { malformed } from '../wire/transport-error.ts';
import type { BatchHeader } from './batch-header.ts';
import type { HeaderVerifier } from './header-verifier.ts';
import { maxClockSkewMilliseconds } from './merge.ts';
import { hashOfLeaf, splitProof, verifyRun } from './merkle-run.ts';
import type { RecordPorts } from './record-ports.ts';
import { malformedEntry, maxEntriesPerPublisher, shareEntryKey } from './share-entry.ts';
import { cellOf, endsOfLeaf } from './share-leaf.ts';
import {
  type LeafPage,
  type LeafQuestion,
  maxHeaderBytesPerMessage,
  maxHeadersPerMessage,
  maxLeavesPerAnswer,
  type Pulled,
  type Put,
  type SentLeaf,
  shareMessages,
} from './share-messages.ts';

/** A run of leaves of one batch with its proof. */
export interface OfferedRun {
  readonly header: Uint8Array;
  readonly first: number;
  readonly leaves: readonly Uint8Array[];
  readonly proof: readonly Uint8Array[];
}

/** Current batches per publisher. */
export const maxBatchesPerPublisher = 1024;
/** Remembered ends of batches per publisher without any other data here. */
export const maxEndsPerPublisher = 4096;
/** Headers, leaves and proofs of all publishers on this disk. */
const maxShareBytes = 4 * 1024 ** 3;
/** Bytes of puts being received, over all senders. */
const maxPutBytesInFlight = 16 * 1024 * 1024;
const leafRemovalConcurrency = 500;

type Ports = Pick<RecordPorts, 'places' | 'clock' | 'confirmed' | 'report' | 'storageShares'>;

export class ShareHolder {
  readonly #ports: Ports;
  readonly #shares: ShareTable;
  readonly #headers: HeaderVerifier;
  readonly #rowOfItem: (key: string) => number | null;
  #keptBytes: number;
  #bytesInFlight = 0;

  /** @param rowOfItem the row of the leaf of an index item */
  constructor(ports: Ports, shares: ShareTable, headers: HeaderVerifier, rowOfItem: (key: string) => number | null) {
    this.#ports = ports;
    this.#shares = shares;
    this.#headers = headers;
    this.#rowOfItem = rowOfItem;
    this.#keptBytes = shares.bytes();
  }

  /** What it answers. */
  answerIn(registry: Registry<Contact, IncomingPayload>): Registry<Contact, IncomingPayload> {
    return registry
      .on(shareMessages.renew, async ({ headers }, from) => ({ leaves: await this.renew(from, headers) }))
      .on(shareMessages.get, (question) => this.get(question))
      .on(shareMessages.pull, ({ keys }) => this.pull(keys))
      .onStream(shareMessages.put, async (put, from, payload) => {
        payload.countAs?.('repair');
        return { answer: { results: await this.put(from, put, payload) } };
      });
  }

  /** `shares.put` */
  async put(from: Contact, { headers, runs }: Put, payload: IncomingPayload): Promise<readonly string[]> {
    const sizes = runs.flatMap((run) => run.sizes);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (this.#bytesInFlight + total > maxPutBytesInFlight)
      throw new ChordialError('busy', 'Too many entries of shares are being received at once. Try again in a moment.');
    this.#bytesInFlight += total;
    try {
      const leaves = await receiveLeaves(payload, sizes);
      let next = 0;
      const offered = runs.map(({ batch, first, sizes: own, proof }) => {
        next += own.length;
        return { header: headers[batch]!, first, leaves: leaves.slice(next - own.length, next), proof };
      });
      return await this.keep(from, offered);
    } finally {
      this.#bytesInFlight -= total;
    }
  }

  /** Durable when it resolves; entry i is the result of run i: `stored` or an error code. */
  keep(from: Contact, runs: readonly OfferedRun[]): Promise<readonly string[]> {
    return Promise.all(
      runs.map(async (run) => {
        try {
          await this.#keepRun(run);
          return 'stored';
        } catch (error) {
          if (!(error instanceof ChordialError)) throw error;
          this.#ports.report?.('refused-record', from, error.message);
          return error.code;
        }
      }),
    );
  }

  /** Newer headers of batches; entry i is the number of leaves of batch i here, or −1 when its header was refused. */
  async renew(from: Contact, headers: readonly Uint8Array[]): Promise<readonly number[]> {
    const { report } = this.#ports;
    const shares = this.#shares;
    return Promise.all(
      headers.map(async (bytes) => {
        try {
          const header = this.#acceptable(bytes);
          // Of an absent batch only the end is stored, so that none of its leaves are accepted with an older header.
          if (header.ended && shares.header(header.publisher, header.number) === null) await this.#keepEnd(header);
          else await shares.renew(batchRow(header), this.#latest());
          return header.ended ? 0 : shares.leavesOf(header.publisher, header.number);
        } catch (error) {
          if (!(error instanceof ChordialError)) throw error;
          report?.('refused-record', from, error.message);
          return -1;
        }
      }),
    );
  }

  /** `shares.get` */
  get({ key, after }: LeafQuestion): LeafPage {
    const { clock, confirmed } = this.#ports;
    const shares = this.#shares;
    const found = shares.atKey(key, clock.wallTime(), after, maxLeavesPerAnswer + 1);
    const { headers, leaves, rows } = pageOf(found.slice(0, maxLeavesPerAnswer));
    const more = rows < found.length ? (found[rows - 1]?.leaf ?? null) : null;
    return { headers, leaves, more, unknown: !confirmed.isSureOf(key) };
  }

  /** Removes leaves of ended or expired batches, some at a time. */
  async removeOver(now: Milliseconds): Promise<void> {
    await this.#removeAll(() => this.#shares.removeOver(now, leafRemovalConcurrency));
  }

  /** A refused publisher: removes its leaves and headers, some at a time. */
  async removeOf(publisher: HostId): Promise<void> {
    await this.#removeAll(() => this.#shares.removeOf(publisher, leafRemovalConcurrency));
  }

  /** Bytes are counted only after a removal: counting reads the whole table. */
  async #removeAll(removeSome: () => Promise<number | null>): Promise<void> {
    if ((await removeSome()) === null) return;
    while ((await removeSome()) !== null);
    this.#keptBytes = this.#shares.bytes();
  }

  /** `shares.pull` */
  pull(keys: readonly string[]): Pulled {
    const { clock } = this.#ports;
    const [shares, rowOfItem] = [this.#shares, this.#rowOfItem];
    const rows = keys.map((key) => rowOfItem(key));
    const held = rows.map((row) => (row === null ? null : shares.byRow(row, clock.wallTime())));
    const { headers, leaves, rows: fitting } = pageOf(held.filter((leaf) => leaf !== null));
    let next = 0;
    // What does not fit is requested again in a later round.
    return { headers, leaves: held.map((leaf) => (leaf === null || next >= fitting ? null : leaves[next++]!)) };
  }

  async #keepRun({ header: bytes, first, leaves, proof }: OfferedRun): Promise<void> {
    const header = this.#acceptable(bytes);
    const shares = this.#shares;
    if (header.ended) throw malformedEntry('it belongs to a batch that has ended');
    const known = shares.header(header.publisher, header.number);
    // The end overtook the leaves: they count as stored.
    if (known?.ended === true) return;
    if (known === null) this.#checkBounds(header);
    const size = leaves.reduce((sum, leaf) => sum + leaf.length, known === null ? bytes.length : 0);
    this.#checkRoom(header.publisher, size + leaves.length * rowBytes.leaf);
    const paths = verifyRun(header, first, leaves.map(hashOfLeaf), proof);
    if (paths === null) throw malformedEntry('a run is not proved by its batch');
    const rows = leaves.map((leaf, index) => this.#leafRow(leaf, first + index, paths[index]!));
    const added = await shares.put(batchRow(header), rows, this.#latest());
    if (added > 0) this.#keptBytes += size + rows.reduce((sum, { path }) => sum + path.length, 0);
  }

  /** Anyone can end batches that never existed. */
  async #keepEnd(header: BatchHeader): Promise<void> {
    const { clock } = this.#ports;
    const shares = this.#shares;
    if (shares.endsOf(header.publisher, clock.wallTime()) >= maxEndsPerPublisher)
      throw new ChordialError(
        'publisher-full',
        `${header.publisher} ended ${maxEndsPerPublisher} batches that are not here, as many as are remembered.`,
      );
    this.#checkRoom(header.publisher, header.bytes.length + rowBytes.batch);
    this.#keptBytes += header.bytes.length;
    await shares.put(batchRow(header), [], this.#latest());
  }

  /** A stored header with a later version is from the future. */
  #latest(): Milliseconds {
    return this.#ports.clock.wallTime() + maxClockSkewMilliseconds;
  }

  #checkRoom(publisher: string, bytes: number): void {
    this.#ports.storageShares?.checkRows(publisher, bytes);
    if (this.#keptBytes + bytes <= maxShareBytes) return;
    throw new ChordialError('quota-full', 'This peer holds as many entries of shares as it takes. Others hold them.');
  }

  #leafRow(bytes: Uint8Array, position: number, path: Uint8Array): LeafRow {
    const ends = endsOfLeaf(bytes);
    const { places } = this.#ports;
    const first = shareEntryKey(ends.first, places);
    const last = shareEntryKey(ends.last, places);
    if (first > last || cellOf(first) !== cellOf(last)) throw malformedEntry('a leaf is not in order, or in two cells');
    return { position, first, last, bytes, path };
  }

  #acceptable(bytes: Uint8Array): BatchHeader {
    const header = this.#headers.readCurrent(bytes);
    const { clock } = this.#ports;
    const [shares, headers] = [this.#shares, this.#headers];
    if (header.expiry <= clock.wallTime()) throw malformedEntry('its batch has expired');
    const known = shares.header(header.publisher, header.number);
    // Leaves here were proved against the root that came with them.
    if (known !== null && Buffer.compare(headers.readKept(known.bytes).root, header.root) !== 0)
      throw malformedEntry('its publisher signed two batches with one number');
    return header;
  }

  #checkBounds({ publisher, entries }: BatchHeader): void {
    const totals = this.#shares.totalsOf(publisher, this.#ports.clock.wallTime());
    if (totals.batches < maxBatchesPerPublisher && totals.entries + entries <= maxEntriesPerPublisher) return;
    throw new ChordialError(
      'publisher-full',
      `${publisher} announces ${totals.entries + entries} entries in ${totals.batches + 1} batches, more than the ${maxEntriesPerPublisher} in ${maxBatchesPerPublisher} that one publisher may have. Share fewer files.`,
    );
  }
}

export function batchRow(header: BatchHeader): BatchRow {
  const { publisher, number, version, expiry, entries, ended, bytes } = header;
  return { publisher, number, version, expiry, entries, ended, bytes };
}

/** As many leaves as fit with their headers; each header once. */
function pageOf(held: readonly HeldLeaf[]): { headers: Uint8Array[]; leaves: SentLeaf[]; rows: number } {
  const headers: Uint8Array[] = [];
  const positions = new Map<string, number>();
  const leaves: SentLeaf[] = [];
  let headerBytes = 0;
  for (const { header, position, bytes, path } of held) {
    const name = Buffer.from(header.buffer, header.byteOffset, header.length).toString('base64');
    let batch = positions.get(name);
    if (batch === undefined) {
      headerBytes += header.length;
      const isFull = headers.length === maxHeadersPerMessage || headerBytes > maxHeaderBytesPerMessage;
      if (isFull && headers.length > 0) break;
      batch = headers.push(header) - 1;
      positions.set(name, batch);
    }
    leaves.push({ batch, place: position, bytes, proof: path });
  }
  return { headers, leaves, rows: leaves.length };
}

/** Throws a TransportError when the stream breaks, or its length differs from the leaves'. */
async function receiveLeaves(
  payload: AsyncIterable<Uint8Array>,
  sizes: readonly number[],
): Promise<readonly Uint8Array[]> {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const bytes = new Uint8Array(total);
  let filled = 0;
  for await (const piece of payload) {
    if (filled + piece.length > total) throw malformed('more bytes came than its leaves have');
    bytes.set(piece, filled);
    filled += piece.length;
  }
  if (filled < total) throw malformed('fewer bytes came than its leaves have');
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
}

/** One leaf with its proof as a run. */
export function runOfLeaf(header: Uint8Array, { place, bytes, proof }: SentLeaf): OfferedRun {
  return { header, first: place, leaves: [bytes], proof: splitProof(proof) };
}
