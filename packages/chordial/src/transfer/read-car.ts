/** Takes a CARv1 apart (https://ipld.io/specs/transport/car/carv1/). */
import { CID } from 'multiformats/cid';
import { type Block, maxBlockBytes } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { decode } from '../network/dag-cbor.ts';
import { ByteReader } from './byte-reader.ts';

/** A header names a root or a few. */
export const maxCarHeaderBytes = 64 * 1024;
/** Of one block, before its bytes. */
const maxCidBytes = 1024;
/** A length of up to 2 MiB has four bytes. */
const maxVarintBytes = 5;

export class CarReader {
  readonly roots: readonly CID[];
  readonly #reader: ByteReader;

  private constructor(reader: ByteReader, roots: readonly CID[]) {
    this.#reader = reader;
    this.roots = roots;
  }

  /** Throws `bad-request` for anything that does not begin as a CARv1. */
  static async open(source: AsyncIterable<Uint8Array>): Promise<CarReader> {
    const reader = new ByteReader(source[Symbol.asyncIterator](), malformed);
    try {
      const bytes = await lengthIn(reader);
      if (bytes === 0 || bytes > maxCarHeaderBytes) throw noCar();
      const first = await reader.take(1);
      // A map of CBOR.
      if ((first[0] ?? 0) >> 5 !== 5) throw noCar();
      return new CarReader(reader, rootsIn(Buffer.concat([first, await reader.take(bytes - 1)])));
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** In the order of the CAR, each in a buffer of its own. They are not verified here. */
  async *blocks(): AsyncGenerator<Block, void, undefined> {
    while (!(await this.#reader.isAtEnd())) {
      const length = await lengthIn(this.#reader);
      // Padding at the end.
      if (length === 0) continue;
      if (length > maxBlockBytes + maxCidBytes)
        throw malformed(`a block of ${length} bytes, where at most ${maxBlockBytes} are kept`);
      const section = Uint8Array.from(await this.#reader.take(length));
      yield blockIn(section);
    }
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

async function lengthIn(reader: ByteReader): Promise<number> {
  let value = 0;
  for (let place = 0; place < maxVarintBytes; place++) {
    const [byte = 0] = await reader.take(1);
    value += (byte & 0x7f) * 2 ** (7 * place);
    if (byte < 0x80) return value;
  }
  throw noCar();
}

function rootsIn(header: Uint8Array): readonly CID[] {
  let value: { readonly version?: unknown; readonly roots?: unknown } | null;
  try {
    value = decode(header);
  } catch {
    throw noCar();
  }
  if (typeof value !== 'object' || value === null) throw noCar();
  const { version, roots = [] } = value;
  if (version === 2)
    throw new ChordialError(
      'bad-request',
      'This is a CAR of version 2. Take version 1 out of it, as "ipfs-car" and "ipfs dag export" write it.',
    );
  const cids = Array.isArray(roots) ? roots.map((root) => CID.asCID(root)) : [null];
  if (version !== 1 || cids.includes(null)) throw noCar();
  return cids.filter((cid) => cid !== null);
}

function blockIn(section: Uint8Array): Block {
  try {
    const [cid, bytes] = CID.decodeFirst(section);
    if (bytes.length > maxBlockBytes)
      throw malformed(`a block of ${bytes.length} bytes, where at most ${maxBlockBytes} are kept`);
    return { cid, bytes };
  } catch (error) {
    if (error instanceof ChordialError) throw error;
    throw malformed('a block without a CID');
  }
}

function noCar(): ChordialError {
  return new ChordialError('bad-request', 'This is no CAR: it does not begin with the header of one.');
}

function malformed(what: string): ChordialError {
  return new ChordialError('bad-request', `The CAR contains ${what}. Fetch or make it again.`);
}
