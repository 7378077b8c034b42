/**
 * The body of sealed files as age v1 defines it: pieces of 64 KiB, each encrypted and authenticated with its number and
 * whether it is the last. So any range can be read by itself, and a file that was cut, even between pieces, is refused.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import {
  headerIn,
  type Keys,
  malformed,
  maxHeaderBytes,
  nonceBytes,
  openHeader,
  type Seal,
  tagBytes,
} from './sealed-header.ts';

/** Bytes of content in a piece; the last may hold fewer. */
export const pieceBytes = 64 * 1024;
const sealedPieceBytes = pieceBytes + tagBytes;

/** Bytes of a sealed file with so many bytes of content. */
export function sealedSize(size: number, { header }: Pick<Seal, 'header'>): number {
  return header.length + nonceBytes + size + Math.max(1, Math.ceil(size / pieceBytes)) * tagBytes;
}

/** Bytes of content of the whole pieces in the first `sealedBytes` of a sealed file. */
export function plainBytesWithin(sealedBytes: number, { header }: Pick<Seal, 'header'>): number {
  const body = sealedBytes - header.length - nonceBytes;
  return Math.max(0, Math.floor(body / sealedPieceBytes)) * pieceBytes;
}

/** Encrypts and decrypts pieces of one file. */
export class Pieces {
  /** An object of the library: bytes are made into one with each piece, a fifth of its cost. */
  readonly #key: KeyObject;

  constructor({ fileKey, nonce }: Pick<Seal, 'fileKey' | 'nonce'>) {
    this.#key = createSecretKey(new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32)));
  }

  /** The parts of a piece in order. Never seal two contents as the same piece of one file. */
  seal(number: number, isLast: boolean, content: Uint8Array): readonly Uint8Array[] {
    const cipher = createCipheriv('chacha20-poly1305', this.#key, nonceOf(number, isLast), options);
    const sealed = cipher.update(content);
    cipher.final();
    return [sealed, cipher.getAuthTag()];
  }

  /** Throws `bad-content` unless it is that piece. */
  open(number: number, isLast: boolean, sealed: Uint8Array): Uint8Array {
    const decipher = createDecipheriv('chacha20-poly1305', this.#key, nonceOf(number, isLast), options);
    const end = sealed.length - tagBytes;
    if (end < 0) throw malformed(`piece ${number} is cut`);
    decipher.setAuthTag(sealed.subarray(end));
    const content = decipher.update(sealed.subarray(0, end));
    try {
      decipher.final();
    } catch (cause) {
      throw malformed(`piece ${number}${isLast ? ', the last,' : ''} does not hold`, cause);
    }
    return content;
  }
}

const options = { authTagLength: tagBytes };

/** Eleven bytes of the number and one that marks the last piece. */
function nonceOf(number: number, isLast: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** The bytes of the sealed file, as its content arrives; it holds one piece of it. */
export async function* sealed(
  content: AsyncIterable<Uint8Array>,
  seal: Seal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = new Pieces(seal);
  yield seal.header;
  yield seal.nonce;
  let number = 0;
  // The last piece is known to be the last only when nothing follows it.
  const held = Buffer.allocUnsafeSlow(pieceBytes);
  let filled = 0;
  for await (const arrived of content) {
    for (let taken = 0; taken < arrived.length; ) {
      if (filled === pieceBytes) {
        yield* pieces.seal(number++, false, held);
        filled = 0;
      }
      if (filled === 0 && arrived.length - taken > pieceBytes) {
        yield* pieces.seal(number++, false, arrived.subarray(taken, taken + pieceBytes));
        taken += pieceBytes;
        continue;
      }
      const part = arrived.subarray(taken, taken + pieceBytes - filled);
      held.set(part, filled);
      filled += part.length;
      taken += part.length;
    }
  }
  yield* pieces.seal(number, true, held.subarray(0, filled));
}

/** Bytes [start, end) of the sealed file, in order and in pieces of any length. */
export type ReadSealed = (start: number, end: number) => AsyncIterable<Uint8Array>;

/** A sealed file that a key has opened. */
export class OpenedFile {
  /** Bytes of its content; true, since the last piece was checked. */
  readonly size: number;
  readonly seal: Seal;
  readonly sealedBytes: number;
  readonly #pieces: Pieces;
  readonly #read: ReadSealed;
  readonly #count: number;

  /** @param sealedBytes of a file that was opened before, with this seal */
  constructor(seal: Seal, sealedBytes: number, read: ReadSealed) {
    const body = sealedBytes - seal.header.length - nonceBytes;
    this.#count = Math.max(1, Math.ceil(body / sealedPieceBytes));
    this.size = body - this.#count * tagBytes;
    // A last piece without content is the only one.
    if (this.size < 0 || (this.#count > 1 && this.size <= (this.#count - 1) * pieceBytes)) throw malformed('it is cut');
    this.seal = seal;
    this.sealedBytes = sealedBytes;
    this.#pieces = new Pieces(seal);
    this.#read = read;
  }

  /**
   * Reads its header and its last piece. Throws `no-key` when no key fits, and `bad-content`.
   * @param sealedBytes size of the sealed file
   */
  static async open(sealedBytes: number, read: ReadSealed, keys: Keys): Promise<OpenedFile> {
    const start = await gathered(read(0, Math.min(sealedBytes, maxHeaderBytes + nonceBytes)));
    const shown = headerIn(start);
    const fileKey = await openHeader(shown, keys);
    const { header } = shown;
    const nonce = start.subarray(header.length, header.length + nonceBytes);
    if (nonce.length < nonceBytes) throw malformed('it is cut');
    const readRest: ReadSealed = (from, to) => (to <= start.length ? once(start.subarray(from, to)) : read(from, to));
    const opened = new OpenedFile({ fileKey, header, nonce }, sealedBytes, readRest);
    for await (const _ of opened.#piecesFrom(opened.#count - 1, opened.#count)) {
      // Its tag is what counts.
    }
    return opened;
  }

  /** Verified bytes [start, end) of the content. */
  async *read(start = 0, end = this.size): AsyncGenerator<Uint8Array, void, undefined> {
    if (start >= end) return;
    const first = Math.floor(start / pieceBytes);
    let at = first * pieceBytes;
    for await (const piece of this.#piecesFrom(first, Math.ceil(end / pieceBytes))) {
      yield piece.subarray(Math.max(0, start - at), end - at);
      at += piece.length;
    }
  }

  async *#piecesFrom(first: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
    const begin = this.seal.header.length + nonceBytes;
    const total = begin + this.size + this.#count * tagBytes;
    const stop = Math.min(total, begin + end * sealedPieceBytes);
    let number = first;
    for await (const piece of cut(this.#read(begin + first * sealedPieceBytes, stop), sealedPieceBytes)) {
      yield this.#pieces.open(number, number === this.#count - 1, piece);
      number += 1;
    }
    if (number < end) throw malformed('it is cut');
  }
}

/** In pieces of this length, the last one shorter. A piece is valid until the next. */
async function* cut(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  const held = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for await (const arrived of source) {
    for (let taken = 0; taken < arrived.length; ) {
      if (filled === 0 && arrived.length - taken >= length) {
        yield arrived.subarray(taken, taken + length);
        taken += length;
        continue;
      }
      const part = arrived.subarray(taken, taken + length - filled);
      held.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < length) continue;
      yield held;
      filled = 0;
    }
  }
  if (filled > 0) yield held.subarray(0, filled);
}

export async function gathered(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

/** A small text or body, sealed whole: an age file in memory. */
export async function sealWhole(content: Uint8Array, seal: Seal): Promise<Uint8Array> {
  return gathered(sealed(once(content), seal));
}

/** Throws like `OpenedFile.open`. */
export async function openWhole(bytes: Uint8Array, keys: Keys): Promise<{ content: Uint8Array; seal: Seal }> {
  const opened = await OpenedFile.open(bytes.length, (start, end) => once(bytes.subarray(start, end)), keys);
  return { content: await gathered(opened.read()), seal: opened.seal };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
