/**
 * Entries being collected for a batch, encoded into one buffer as they arrive: as objects a hundred thousand of them
 * take a hundred megabytes and keep the garbage collector busy. They are sorted by number, cell by cell, and copied in
 * that order into one piece of memory, of which the leaves are slices.
 */
import { recordKinds } from './entry.ts';
import { LeafCutter, type ShareBatch } from './leaf-cutter.ts';
import type { RecordPlaces } from './record-keys.ts';
import { type ShareEntry, shareEntryKey } from './share-entry.ts';
import {
  bytesOfEntries,
  bytesOfEntry,
  cellCount,
  entryAt,
  entryHeadBytes,
  subjectBytesAt,
  writeEntry,
} from './share-leaf.ts';

export interface GatheringBounds {
  readonly entries: number;
  readonly bytes: number;
}

/** Ring key of the entries of one word, name or root. */
interface Place {
  /** The first 48 bits of the key: comparing numbers is cheap, and only equal ones need the full key. */
  readonly order: number;
  /** Entries of one group have one kind and key. */
  readonly group: number;
}

const orderDigits = 12;
const ordersPerCell = 2 ** (4 * orderDigits) / cellCount;
/** Entries sorted and copied between two yields: a few milliseconds. */
const entriesPerPause = 4096;
const firstEntries = 1024;
/** Power of two, at least twice the words of a batch; each word probes up to `maxTries` slots. */
const slotCount = 2 ** 18;
const maxTries = 16;

export class GatheredEntries {
  readonly #places: RecordPlaces;
  readonly #bounds: GatheringBounds;
  readonly #spare: Buffer[];
  /** Untouched pages take no memory. */
  readonly #bytes: Buffer;
  #usedBytes = 0;
  #count = 0;
  /** Per entry: offset, sort key, group. */
  #starts = new Uint32Array(firstEntries);
  #orders = new Float64Array(firstEntries);
  #groups = new Uint32Array(firstEntries);
  #lastGroup = 0;
  /** Hash table of words: index of their first posting plus one, or 0. */
  readonly #entryOfWord = new Uint32Array(slotCount);

  constructor(places: RecordPlaces, bounds: GatheringBounds, spare: Buffer[]) {
    this.#places = places;
    this.#spare = spare;
    this.#bounds = bounds;
    this.#bytes = this.#memory();
  }

  /** Within the limits; an empty collection has room for any file. */
  hasRoomFor(file: readonly ShareEntry[]): boolean {
    if (this.#count === 0) return true;
    const size = bytesOfEntries(file);
    return this.#count + file.length <= this.#bounds.entries && this.#usedBytes + size <= this.#bounds.bytes;
  }

  /** Throws `bad-content` when the entry has no subject. */
  add(entry: ShareEntry): void {
    const end = this.#usedBytes + bytesOfEntry(entry);
    this.#growTo(this.#count + 1);
    const start = this.#usedBytes;
    writeEntry(entry, this.#bytes, start);
    const { order, group } = entry.kind === 'posting' ? this.#placeOfWord(entry, start) : this.#placeOf(entry);
    this.#starts[this.#count] = start;
    this.#orders[this.#count] = order;
    this.#groups[this.#count] = group;
    this.#usedBytes = end;
    this.#count += 1;
  }

  /** The batch of everything collected, at least one entry; the collection is empty afterwards. */
  async cut(pause: () => Promise<void>): Promise<ShareBatch> {
    const [byCell, ends] = this.#byCell();
    const leaves = new LeafCutter(this.#bytes, this.#memory());
    let [from, pausedAt] = [0, 0];
    for (const [cell, end] of ends.entries()) {
      const inCell = byCell.subarray(from, end).sort((a, b) => this.#inOrder(a, b) || a - b);
      for (const [index, entry] of inCell.entries()) {
        const isTwice = index > 0 && this.#inOrder(inCell[index - 1]!, entry) === 0;
        if (!isTwice) leaves.add(cell, this.#starts[entry]!, this.#endOf(entry));
      }
      from = end;
      if (from - pausedAt < entriesPerPause) continue;
      pausedAt = from;
      await pause();
    }
    this.#count = 0;
    this.#usedBytes = 0;
    this.#entryOfWord.fill(0);
    return leaves.batch();
  }

  /** Called when nothing more is gathered. */
  giveBack(): void {
    this.#spare.push(this.#bytes);
  }

  /** As large as all entries together may be: reused from finished batches, or new. */
  #memory(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bounds.bytes);
  }

  /** Entries by cell, and per cell the boundary to the next. */
  #byCell(): readonly [Uint32Array, Uint32Array] {
    const ends = new Uint32Array(cellCount);
    for (let entry = 0; entry < this.#count; entry++) ends[this.#cellOf(entry)]! += 1;
    for (let cell = 1; cell < cellCount; cell++) ends[cell]! += ends[cell - 1]!;
    const next = Uint32Array.from(ends);
    const byCell = new Uint32Array(this.#count);
    for (let entry = this.#count - 1; entry >= 0; entry--) {
      const cell = this.#cellOf(entry);
      next[cell]! -= 1;
      byCell[next[cell]!] = entry;
    }
    return [byCell, ends];
  }

  #cellOf(entry: number): number {
    return Math.floor(this.#orders[entry]! / ordersPerCell);
  }

  /** Offsets are in order of arrival. */
  #endOf(entry: number): number {
    return entry + 1 < this.#count ? this.#starts[entry + 1]! : this.#usedBytes;
  }

  /** By key, kind and subject. */
  #inOrder(a: number, b: number): number {
    const difference = this.#orders[a]! - this.#orders[b]!;
    if (difference !== 0) return difference;
    const bySubject = this.#bySubject(a, b);
    if (this.#groups[a] === this.#groups[b]) return bySubject;
    const [one, other] = [entryAt(this.#bytes, this.#starts[a]!), entryAt(this.#bytes, this.#starts[b]!)];
    if (one.kind === other.kind && bySubject === 0) return 0;
    const [key, otherKey] = [shareEntryKey(one, this.#places), shareEntryKey(other, this.#places)];
    if (key !== otherKey) return key < otherKey ? -1 : 1;
    // Keys of different kinds do not collide by chance, but a teaching ring places names as told.
    return recordKinds.indexOf(one.kind) - recordKinds.indexOf(other.kind) || bySubject;
  }

  #bySubject(a: number, b: number): number {
    const [bytes, one, other] = [this.#bytes, this.#starts[a]! + entryHeadBytes, this.#starts[b]! + entryHeadBytes];
    return bytes.compare(
      bytes,
      other,
      other + subjectBytesAt(bytes, this.#starts[b]!),
      one,
      one + subjectBytesAt(bytes, this.#starts[a]!),
    );
  }

  /**
   * A word occurs in many files, and its key is computed once: an earlier posting with the same word has it. The word is
   * compared as bytes: a string and an object for each posting of a large share keep the garbage collector busy.
   * @param start offset of the posting
   */
  #placeOfWord(entry: ShareEntry, start: number): Place {
    const bytes = this.#bytes;
    const subject = start + entryHeadBytes;
    const last = subject + entry.subject.length;
    let [end, code] = [subject, 0];
    for (; end < last && bytes[end] !== 0; end++) code = Math.imul(code ^ bytes[end]!, 0x01000193);
    for (let tries = 0; end < last && tries < maxTries; tries++) {
      const slot = ((code ^ (code >>> 15)) + tries) & (slotCount - 1);
      const known = this.#entryOfWord[slot]! - 1;
      if (known < 0) {
        this.#entryOfWord[slot] = this.#count + 1;
        break;
      }
      if (this.#hasWord(known, subject, end)) return { order: this.#orders[known]!, group: this.#groups[known]! };
    }
    return this.#placeOf(entry);
  }

  /** Whether a posting has the word at `from`, up to and including the NUL at `end`. */
  #hasWord(entry: number, from: number, end: number): boolean {
    const bytes = this.#bytes;
    const shift = this.#starts[entry]! + entryHeadBytes - from;
    for (let at = end; at >= from; at--) if (bytes[at] !== bytes[at + shift]) return false;
    return true;
  }

  #placeOf(entry: ShareEntry): Place {
    this.#lastGroup = (this.#lastGroup + 1) % 2 ** 32;
    const key = shareEntryKey(entry, this.#places);
    return { order: Number.parseInt(key.slice(0, orderDigits), 16), group: this.#lastGroup };
  }

  #growTo(entries: number): void {
    if (entries <= this.#starts.length) return;
    this.#starts = withRoom(this.#starts, new Uint32Array(2 * this.#starts.length));
    this.#orders = withRoom(this.#orders, new Float64Array(2 * this.#orders.length));
    this.#groups = withRoom(this.#groups, new Uint32Array(2 * this.#groups.length));
  }
}

function withRoom<Numbers extends Uint32Array | Float64Array>(before: Numbers, after: Numbers): Numbers {
  after.set(before);
  return after;
}
