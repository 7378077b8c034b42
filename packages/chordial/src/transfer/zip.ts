/**
 * ZIP files as streams: nothing is compressed, so that the length is known before the first byte. Sizes, offsets and
 * counts of any magnitude (ZIP64), names in UTF-8, times in UTC beside those of DOS.
 */
import { crc32 } from 'node:zlib';
import { ChordialError } from '../errors.ts';

export interface ZipEntry {
  /** Separated by "/". */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** Bytes of a file. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly executable: boolean;
}

/** A file of at most this size is whole in memory before its header is written, which then says its checksum. */
export const wholeBytes = 256 * 1024;
/** Small parts are sent together. */
const chunkBytes = 64 * 1024;

const most32 = 0xffffffff;
const most16 = 0xffff;
const needsZip64 = 45;
const needsFolders = 20;
const madeByUnix = 3 << 8;
const hasDescriptor = 0x0008;
const isUtf8 = 0x0800;
const timeBytes = 9;

/** The length of a ZIP, entry by entry; what `zip` writes has exactly this many bytes. */
export class ZipLength {
  #count = 0;
  #central = 0;
  #offset = 0;

  get entries(): number {
    return this.#count;
  }

  get bytes(): number {
    const isLarge = this.#count >= most16 || this.#central >= most32 || this.#offset >= most32;
    return this.#offset + this.#central + 22 + (isLarge ? 76 : 0);
  }

  add({ path, type, size }: Pick<ZipEntry, 'path' | 'type' | 'size'>): void {
    const head = Buffer.byteLength(nameIn({ path, type })) + timeBytes;
    const isLarge = size >= most32;
    const offsetBytes = this.#offset >= most32 ? 8 : 0;
    const extra = (isLarge ? 16 : 0) + offsetBytes;
    this.#count += 1;
    this.#central += 46 + head + (extra === 0 ? 0 : 4 + extra);
    this.#offset += 30 + head + (isLarge ? 20 : 0) + size + (size > wholeBytes ? (isLarge ? 24 : 16) : 0);
  }
}

/** `bytes` is asked for the content of each file in turn. Throws when a file has other than its announced size. */
export async function* zip<Entry extends ZipEntry>(
  entries: AsyncIterable<Entry>,
  bytes: (entry: Entry) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const central: Uint8Array[] = [];
  const pending = new Pending();
  let offset = 0;
  let count = 0;
  for await (const entry of entries) {
    const start = offset;
    const { size, type } = entry;
    const isWhole = size <= wholeBytes;
    const whole = isWhole && type === 'file' ? await gather(entry, bytes(entry)) : null;
    let checksum = whole === null ? 0 : crc32(whole);
    offset += yield* pending.add(localHeader(entry, checksum, isWhole));
    if (whole !== null) offset += yield* pending.add(whole);
    if (!isWhole) {
      let read = 0;
      for await (const piece of bytes(entry)) {
        read += piece.length;
        if (read > size) throw wrongSize(entry);
        checksum = crc32(piece, checksum);
        offset += yield* pending.add(piece);
      }
      if (read !== size) throw wrongSize(entry);
      offset += yield* pending.add(descriptor(checksum, size));
    }
    central.push(centralHeader(entry, { checksum, start, isWhole }));
    // Thousands of small ones are kept as one.
    if (central.length === 1024) central.splice(0, 1024, Buffer.concat(central));
    count += 1;
  }
  const start = offset;
  for (const part of central) offset += yield* pending.add(part);
  yield* pending.add(endOf(count, start, offset - start));
  yield* pending.rest();
}

class Pending {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** Returns the length of the part. A large one must not change until the next is taken. */
  *add(part: Uint8Array): Generator<Uint8Array, number, undefined> {
    if (part.length >= chunkBytes) {
      yield* this.rest();
      yield part;
      return part.length;
    }
    // Readers use the memory of what they gave again.
    this.#parts.push(Uint8Array.from(part));
    this.#bytes += part.length;
    if (this.#bytes >= chunkBytes) yield* this.rest();
    return part.length;
  }

  *rest(): Generator<Uint8Array, void, undefined> {
    if (this.#bytes === 0) return;
    const all = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    yield all;
  }
}

async function gather(entry: ZipEntry, bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const whole = new Uint8Array(entry.size);
  let at = 0;
  for await (const piece of bytes) {
    if (at + piece.length > whole.length) throw wrongSize(entry);
    whole.set(piece, at);
    at += piece.length;
  }
  if (at !== whole.length) throw wrongSize(entry);
  return whole;
}

function wrongSize({ path, size }: ZipEntry): ChordialError {
  return new ChordialError(
    'bad-content',
    `${path} is announced with ${size} bytes and has others. It was published like this.`,
  );
}

/** Backslashes and control characters would lead elsewhere, or nowhere, on other systems. */
function nameIn({ path, type }: Pick<ZipEntry, 'path' | 'type'>): string {
  const safe = path.replace(/[\\\p{Cc}]/gu, '_');
  return type === 'directory' ? `${safe}/` : safe;
}

function localHeader(entry: ZipEntry, checksum: number, isWhole: boolean): Uint8Array {
  const name = Buffer.from(nameIn(entry));
  const isLarge = entry.size >= most32;
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(isLarge ? needsZip64 : needsFolders, 4);
  header.writeUInt16LE(isUtf8 | (isWhole ? 0 : hasDescriptor), 6);
  writeTime(header, 10, entry.modified);
  // A descriptor behind the bytes says what is not known yet; the size in a large entry's field is marked as elsewhere.
  if (isWhole) writeSizes(header, 14, checksum, entry.size);
  else if (isLarge) writeSizes(header, 14, 0, most32);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(timeBytes + (isLarge ? 20 : 0), 28);
  return Buffer.concat([header, name, timeField(entry.modified), isLarge ? zip64Field([0, 0]) : Buffer.alloc(0)]);
}

function descriptor(checksum: number, size: number): Uint8Array {
  const isLarge = size >= most32;
  const bytes = Buffer.alloc(isLarge ? 24 : 16);
  bytes.writeUInt32LE(0x08074b50, 0);
  if (!isLarge) return writeSizes(bytes, 4, checksum, size);
  bytes.writeUInt32LE(checksum, 4);
  bytes.writeBigUInt64LE(BigInt(size), 8);
  bytes.writeBigUInt64LE(BigInt(size), 16);
  return bytes;
}

interface Written {
  readonly checksum: number;
  readonly start: number;
  readonly isWhole: boolean;
}

function centralHeader(entry: ZipEntry, { checksum, start, isWhole }: Written): Uint8Array {
  const name = Buffer.from(nameIn(entry));
  const { size, type, executable } = entry;
  const large = [...(size >= most32 ? [size, size] : []), ...(start >= most32 ? [start] : [])];
  const extra = large.length === 0 ? Buffer.alloc(0) : zip64Field(large);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(madeByUnix | needsZip64, 4);
  header.writeUInt16LE(large.length > 0 ? needsZip64 : needsFolders, 6);
  header.writeUInt16LE(isUtf8 | (isWhole ? 0 : hasDescriptor), 8);
  writeTime(header, 12, entry.modified);
  writeSizes(header, 16, checksum, Math.min(size, most32));
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(timeBytes + extra.length, 30);
  const mode = type === 'directory' ? 0o040755 : executable ? 0o100755 : 0o100644;
  header.writeUInt32LE(mode * 2 ** 16 + (type === 'directory' ? 0x10 : 0), 38);
  header.writeUInt32LE(Math.min(start, most32), 42);
  return Buffer.concat([header, name, timeField(entry.modified), extra]);
}

function endOf(count: number, start: number, length: number): Uint8Array {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, most16), 8);
  end.writeUInt16LE(Math.min(count, most16), 10);
  end.writeUInt32LE(Math.min(length, most32), 12);
  end.writeUInt32LE(Math.min(start, most32), 16);
  if (count < most16 && length < most32 && start < most32) return end;
  const large = Buffer.alloc(76);
  large.writeUInt32LE(0x06064b50, 0);
  large.writeBigUInt64LE(44n, 4);
  large.writeUInt16LE(madeByUnix | needsZip64, 12);
  large.writeUInt16LE(needsZip64, 14);
  large.writeBigUInt64LE(BigInt(count), 24);
  large.writeBigUInt64LE(BigInt(count), 32);
  large.writeBigUInt64LE(BigInt(length), 40);
  large.writeBigUInt64LE(BigInt(start), 48);
  large.writeUInt32LE(0x07064b50, 56);
  large.writeBigUInt64LE(BigInt(start + length), 64);
  large.writeUInt32LE(1, 72);
  return Buffer.concat([large, end]);
}

function writeSizes(bytes: Buffer, at: number, checksum: number, size: number): Buffer {
  bytes.writeUInt32LE(checksum, at);
  bytes.writeUInt32LE(size, at + 4);
  bytes.writeUInt32LE(size, at + 8);
  return bytes;
}

/** In pairs of seconds since 1980, in no time zone: UTC here. */
function writeTime(bytes: Buffer, at: number, modified: number): void {
  const time = new Date(Math.min(Math.max(modified, Date.UTC(1980, 0, 1)), Date.UTC(2107, 11, 31)));
  bytes.writeUInt16LE((time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1), at);
  bytes.writeUInt16LE(
    ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
    at + 2,
  );
}

/** Seconds since 1970, which unpackers prefer. */
function timeField(modified: number): Buffer {
  const field = Buffer.alloc(timeBytes);
  field.writeUInt16LE(0x5455, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(1, 4);
  field.writeInt32LE(Math.min(Math.max(Math.floor(modified / 1000), 0), 0x7fffffff), 5);
  return field;
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * values.length, 2);
  for (const [index, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  return field;
}
