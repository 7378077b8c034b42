/**
 * Entries of shares under a key: leaves from several of its places, each proved, under the newest header that any of
 * them has.
 */

import type { Contact, HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import type { HeldLeaf, ShareTable } from '../storage/share-table.ts';
import { type BatchHeader, batchName, newerHeader, tagOf, tagsIn } from './batch-header.ts';
import { type RecordKind, recordKinds } from './entry.ts';
import { hashOfLeaf, splitProof, verifyRun } from './merkle-run.ts';
import { readPlaces } from './place-reading.ts';
import { providerKey, type RecordKey, type RecordPlaces } from './record-keys.ts';
import type { Answer } from './replica-read.ts';
import { type HeldShareEntry, malformedEntry, type ShareEntry, shareEntryKey } from './share-entry.ts';
import { endsOfLeaf, entryAt, entryHeadBytes, entryStarts, subjectBytesAt, viewOf } from './share-leaf.ts';
import { type LeafPage, maxLeavesPerAnswer, type SentLeaf, shareMessages } from './share-messages.ts';
import type { SharePorts } from './share-places.ts';
import type { ShareReader } from './shares.ts';

const deadlineMilliseconds = 1500;
/** Leaves of one key read from one host: a hundred thousand entries and more. */
const maxPages = 64;
/** Leaves read here at a time, so that a popular key is not held in memory twice. */
const leavesPerRead = 256;
const maxLeavesHere = 16_384;
/** Publishers known among these, when there are more leaves than are read. */
const maxLeavesLookedAt = 1_048_576;
const leavesPerTurn = 16;
/** Hosts after the places, which may have accepted leaves while a place was away. */
const hostsBehindPlaces = 2;

/** A proved leaf. */
interface VerifiedLeaf {
  readonly header: BatchHeader;
  readonly place: number;
  readonly bytes: Uint8Array;
}

export class RingShareReader implements ShareReader {
  readonly #ports: SharePorts;
  readonly #shares: Pick<ShareTable, 'atKey' | 'publishersAtKey' | 'byRow'>;

  constructor(ports: SharePorts, shares: Pick<ShareTable, 'atKey' | 'publishersAtKey' | 'byRow'>) {
    this.#ports = ports;
    this.#shares = shares;
  }

  async providersOf(root: CID): Promise<readonly Contact[]> {
    const subject = root.multihash.bytes;
    const entries = await this.entriesOf(providerKey(subject), 'provider');
    return entries.filter((entry) => Buffer.compare(entry.subject, subject) === 0).map(({ source }) => source);
  }

  async entriesOf(key: RecordKey, kind: RecordKind, signal?: AbortSignal): Promise<readonly HeldShareEntry[]> {
    const maxHosts = this.#ports.rule.replicas + hostsBehindPlaces;
    const ask = (host: Contact) => this.#ask(host, key, signal);
    const sets = await readPlaces(key, this.#ports, { ask, fingerprint, maxHosts });
    return this.#entriesIn(sets.flat(), key, kind);
  }

  heldHere(key: RecordKey, kind: RecordKind): readonly HeldShareEntry[] {
    const { clock } = this.#ports;
    const shares = this.#shares;
    const leaves: VerifiedLeaf[] = [];
    for (let after = 0; leaves.length < maxLeavesHere; ) {
      const held = shares.atKey(key, clock.wallTime(), after, leavesPerRead);
      leaves.push(...held.map((leaf) => this.#kept(leaf)));
      const last = held.at(-1);
      if (last === undefined || held.length < leavesPerRead) return this.#entriesIn(leaves, key, kind);
      after = last.leaf;
    }
    return this.#entriesIn(this.#inTurns(key), key, kind);
  }

  #kept({ header, position, bytes }: HeldLeaf): VerifiedLeaf {
    return { header: this.#ports.headers.readKept(header), place: position, bytes };
  }

  /** Where there are more than are read: round robin over publishers, so that none hides the others. */
  #inTurns(key: RecordKey): readonly VerifiedLeaf[] {
    const { clock } = this.#ports;
    const shares = this.#shares;
    const now = clock.wallTime();
    const places = shares.publishersAtKey(key, now, maxLeavesLookedAt);
    const byPublisher = Map.groupBy(places, ({ publisher }) => publisher);
    const rows: number[] = [];
    for (let from = 0; rows.length < Math.min(maxLeavesHere, places.length); from += leavesPerTurn)
      for (const some of byPublisher.values())
        rows.push(...some.slice(from, from + leavesPerTurn).map(({ leaf }) => leaf));
    return rows.slice(0, maxLeavesHere).flatMap((row) => {
      const held = shares.byRow(row, now);
      return held === null ? [] : [this.#kept(held)];
    });
  }

  async #ask(host: Contact, key: RecordKey, signal: AbortSignal | undefined): Promise<Answer<VerifiedLeaf>> {
    const { view, transport, holder } = this.#ports;
    const leaves: VerifiedLeaf[] = [];
    let isUnknown = false;
    for (let [page, after] = [0, 0]; page < maxPages; page++) {
      const question = { key, after };
      const options = { deadline: deadlineMilliseconds, ...(signal === undefined ? {} : { signal }) };
      const answer: LeafPage =
        host.host === view.self.host
          ? holder.get(question)
          : await shareMessages.get.ask(transport, host, question, options);
      const { headers, leaves: sent, more, unknown } = answer;
      isUnknown ||= unknown;
      leaves.push(...sent.flatMap((leaf) => this.#verified(host, headers[leaf.batch]!, leaf)));
      // A page that does not advance would be requested again and again.
      if (more === null || more <= after || sent.length > maxLeavesPerAnswer) break;
      after = more;
    }
    return { entries: leaves, isUnknown };
  }

  #verified(host: Contact, headerBytes: Uint8Array, { place, bytes, proof }: SentLeaf): VerifiedLeaf[] {
    const { headers, report } = this.#ports;
    try {
      const header = headers.read(headerBytes);
      if (verifyRun(header, place, [hashOfLeaf(bytes)], splitProof(proof)) === null)
        throw malformedEntry('a leaf is not proved by its batch');
      endsOfLeaf(bytes);
      return [{ header, place, bytes }];
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      report?.('refused-record', host, error.message);
      return [];
    }
  }

  #entriesIn(leaves: readonly VerifiedLeaf[], key: RecordKey, kind: RecordKind): readonly HeldShareEntry[] {
    const { clock, places, headers } = this.#ports;
    const now = clock.wallTime();
    const batches = newestHeaders(leaves, now);
    const entries: HeldShareEntry[] = [];
    const seen = new Set<string>();
    for (const { header: proving, place, bytes } of leaves) {
      const name = batchName(proving);
      const batch = batches.get(name);
      if (batch === undefined || seen.has(`${name}/${place}`) || batch.header.ended || batch.header.expiry <= now)
        continue;
      // It is stored here until it is removed.
      if (headers.isRefused(proving.publisher)) continue;
      seen.add(`${name}/${place}`);
      const { header, source, gone } = batch;
      for (const entry of entriesAtKey(bytes, key, kind, places)) {
        if (gone.size > 0 && gone.has(tagOf(entry))) continue;
        entries.push({ ...entry, source, batch: header.number, expiry: header.expiry });
      }
    }
    return newestOfEach(entries);
  }
}

interface CurrentBatch {
  readonly header: BatchHeader;
  readonly source: Contact;
  readonly gone: ReadonlySet<string>;
}

/** One leaf may come with an older header than another: later withdrawals apply to both. */
function newestHeaders(leaves: readonly VerifiedLeaf[], now: number): ReadonlyMap<string, CurrentBatch> {
  const newest = new Map<string, BatchHeader>();
  for (const { header } of leaves) {
    const name = batchName(header);
    const known = newest.get(name);
    newest.set(name, known === undefined ? header : newerHeader(known, header, now));
  }
  return new Map(
    [...newest].map(([name, header]) => {
      const source = { host: header.publisher, addresses: header.addresses };
      return [name, { header, source, gone: tagsIn(header) }];
    }),
  );
}

/** Adjacent entries often share a word, so its key is computed once. */
function* entriesAtKey(
  leaf: Uint8Array,
  key: RecordKey,
  kind: RecordKind,
  places: RecordPlaces,
): Generator<ShareEntry, void, undefined> {
  const view = viewOf(leaf);
  const kindByte = recordKinds.indexOf(kind);
  let word: Uint8Array = new Uint8Array();
  let isAtKey = false;
  for (const at of entryStarts(view)) {
    if (view[at] !== kindByte) continue;
    if (kind === 'provider' || !startsWith(view, at, word)) {
      const entry = entryAt(view, at);
      word = entry.subject.subarray(0, entry.subject.indexOf(0) + 1);
      isAtKey = keyOf(entry, places) === key;
    }
    if (isAtKey) yield entryAt(view, at);
  }
}

/** Whether the subject of the entry at `at` begins with the word. */
function startsWith(leaf: Buffer, at: number, word: Uint8Array): boolean {
  if (word.length === 0 || word.length > subjectBytesAt(leaf, at)) return false;
  const start = at + entryHeadBytes;
  for (let place = word.length - 1; place >= 0; place--) if (leaf[start + place] !== word[place]) return false;
  return true;
}

/** Null for a signed but invalid entry. */
function keyOf(entry: ShareEntry, places: RecordPlaces): RecordKey | null {
  try {
    return shareEntryKey(entry, places);
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}

/** Of several batches of a publisher the latest counts on each subject. */
function newestOfEach(entries: readonly HeldShareEntry[]): readonly HeldShareEntry[] {
  const batches = new Map<HostId, number>();
  let isMixed = false;
  for (const { source, batch } of entries) {
    const known = batches.get(source.host);
    isMixed ||= known !== undefined && known !== batch;
    batches.set(source.host, batch);
  }
  if (!isMixed) return entries;
  const newest = new Map<string, HeldShareEntry>();
  for (const entry of entries) {
    const { subject } = entry;
    const name = `${entry.source.host}/${Buffer.from(subject.buffer, subject.byteOffset, subject.length).toString('latin1')}`;
    const known = newest.get(name);
    if (known === undefined || entry.batch > known.batch) newest.set(name, entry);
  }
  return [...newest.values()];
}

function fingerprint(leaves: readonly VerifiedLeaf[]): string {
  const names = leaves.map(({ header, place }) => `${batchName(header)}@${header.version}/${place}`);
  return [...new Set(names)].sort().join(' ');
}
