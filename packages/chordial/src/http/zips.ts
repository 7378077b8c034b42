/** Files and folders as one ZIP, streamed while they are read: its length is known from a walk before. */
import type { Readable } from 'node:stream';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { DirectoryEntry, FileEntry, Files } from '../transfer/files.ts';
import { wholeBytes, type ZipEntry, ZipLength, zip } from '../transfer/zip.ts';
import { begunStream } from './file-bytes.ts';
import { maxListedEntries } from './folder-listing.ts';

/** In the ZIPs of all who fetch them; each takes some 100 bytes until the end of its ZIP. */
const maxEntriesAtOnce = 2 * maxListedEntries;
const maxLengthsKept = 256;
/** Folders walked at once for their lengths, and those that wait for it, these included. */
const maxWalksAtOnce = 2;
const maxWalksWaiting = 32;
/** Small files are fetched before their turn, so that a folder of many is not as slow as the way to their hosts. */
const maxFilesAhead = 8;

type Reads = Pick<Files, 'read' | 'readEntry' | 'walk'>;

/** What is at the top of a ZIP. */
export interface ZipPart {
  readonly cid: string;
  /** What it unpacks to. */
  readonly name: string;
  readonly type: 'file' | 'directory';
  /** Bytes of a file. */
  readonly size: number;
  /** Milliseconds since 1970, of all that is in it. */
  readonly modified: number;
  readonly executable: boolean;
  /** Of a sealed file, which is opened. */
  readonly sealed?: FileEntry;
}

export interface ZipMeasure {
  readonly bytes: number;
  readonly entries: number;
}

export class Zips {
  /** Also of folders with too many entries, which are not walked again to be refused. */
  readonly #lengths = new BoundedCache<string, ZipMeasure | 'too-many'>(maxLengthsKept);
  readonly #walks = new Semaphore(maxWalksAtOnce);
  #waiting = 0;
  readonly #entries = new Semaphore(maxEntriesAtOnce);

  /** Of one part, which is remembered. Throws `too-many-entries`, `busy` and what walking throws. */
  async lengthOf(files: Reads, part: ZipPart, signal: AbortSignal): Promise<ZipMeasure> {
    const key = `${part.cid} ${part.name}`;
    let length = this.#lengths.get(key);
    if (length === undefined) {
      if (this.#waiting >= maxWalksWaiting)
        throw new ChordialError('busy', 'Too many folders are looked through for ZIPs at once. Try again in a moment.');
      this.#waiting += 1;
      try {
        length = await this.#walks.pass(
          async () => this.#lengths.get(key) ?? (await this.#measured(key, this.length(files, [part], signal))),
        );
      } finally {
        this.#waiting -= 1;
      }
    }
    if (length === 'too-many') throw tooMany();
    return length;
  }

  async #measured(key: string, measuring: Promise<ZipMeasure>): Promise<ZipMeasure | 'too-many'> {
    const length = await measuring.catch((error: unknown) => {
      if (error instanceof ChordialError && error.code === 'too-many-entries') return 'too-many' as const;
      throw error;
    });
    this.#lengths.set(key, length);
    return length;
  }

  /** Throws `too-many-entries` and what walking throws. */
  async length(files: Reads, parts: readonly ZipPart[], signal: AbortSignal): Promise<ZipMeasure> {
    const length = new ZipLength();
    for await (const entry of walk(files, parts, signal)) {
      length.add(entry);
      if (length.entries > maxListedEntries) throw tooMany();
    }
    return { bytes: length.bytes, entries: length.entries };
  }

  /** A read that fails breaks the stream. Throws `busy`, and what the first reads throw. */
  async stream(
    files: Reads,
    parts: readonly ZipPart[],
    { entries }: ZipMeasure,
    signal: AbortSignal,
  ): Promise<Readable> {
    if (this.#entries.taken > 0 && this.#entries.taken + entries > maxEntriesAtOnce)
      throw new ChordialError('busy', 'Too many large ZIPs are sent from here at once. Try again in a while.');
    // There is room, so that it is taken at once.
    void this.#entries.take(entries);
    const give = () => this.#entries.give(entries);
    const bytes = zip(ahead(files, walk(files, parts, signal), signal), (entry) =>
      entry.begun === null ? read(files, entry, signal) : again(entry.begun),
    );
    try {
      return (await begunStream(bytes)).once('close', give);
    } catch (error) {
      give();
      throw error;
    }
  }
}

function tooMany(): ChordialError {
  return new ChordialError(
    'too-many-entries',
    `There are more than the ${maxListedEntries} entries of a ZIP. Get the files one by one, or the folder by "chordial get".`,
  );
}

interface Walked extends ZipEntry {
  readonly cid: string;
  readonly sealed?: FileEntry | undefined;
}

interface Begun extends Walked {
  readonly begun: Promise<readonly Uint8Array[]> | null;
}

async function* walk(files: Reads, parts: readonly ZipPart[], signal: AbortSignal): AsyncGenerator<Walked> {
  for (const { cid, name, type, size, modified, executable, sealed } of parts) {
    if (type === 'file') {
      yield { path: name, type, size, cid, modified, executable, sealed };
      continue;
    }
    yield { path: name, type, size: 0, cid, modified, executable: false };
    for await (const entry of files.walk(cid, signal)) yield { ...zipped(entry, name), modified, executable: false };
  }
}

function zipped({ path, cid, size, type }: DirectoryEntry, folder: string) {
  return { path: `${folder}/${path}`, type, size: type === 'file' ? size : 0, cid };
}

/** The range says what size was announced. */
function read(files: Reads, { cid, size, sealed }: Walked, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (sealed !== undefined) return files.readEntry(sealed, { signal });
  return files.read(cid, { start: 0, end: size, size }, signal);
}

async function* ahead(files: Reads, entries: AsyncIterable<Walked>, signal: AbortSignal): AsyncGenerator<Begun> {
  const begun: Begun[] = [];
  for await (const entry of entries) {
    const isSmall = entry.type === 'file' && entry.size <= wholeBytes;
    const reading = isSmall ? pieces(read(files, entry, signal)) : null;
    // Met when its turn comes.
    reading?.catch(() => {});
    begun.push({ ...entry, begun: reading });
    if (begun.length > maxFilesAhead) yield begun.shift()!;
  }
  yield* begun;
}

async function pieces(bytes: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of bytes) all.push(Uint8Array.from(piece));
  return all;
}

async function* again(begun: Promise<readonly Uint8Array[]>): AsyncGenerator<Uint8Array> {
  yield* await begun;
}
