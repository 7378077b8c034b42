/**
 * A folder as one byte stream from the command line to its peer: a JSON line for each file and folder, depth first,
 * each file followed by its bytes in pieces. The last line marks completeness.
 */
import { checkedAttributes } from '../content/attributes.ts';
import { whyNotAName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { FolderItem } from './local-folder.ts';
import { isLeftOut } from './local-folder.ts';

/** Precedes each piece of a file with its length; 0 ends the file. */
const lengthBytes = 4;
const isNotPut = 0xffffffff;
const maxPieceBytes = 1024 * 1024;
const end = '{"end":true}\n';

export async function* encodeFolder(items: AsyncIterable<FolderItem>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { path, type, modified, executable, bytes } of items) {
    yield Buffer.from(`${JSON.stringify({ path, type, modified, executable })}\n`);
    if (type === 'directory') continue;
    try {
      for await (const piece of bytes) {
        for (let from = 0; from < piece.length; from += maxPieceBytes) {
          const part = piece.subarray(from, from + maxPieceBytes);
          yield lengthOf(part.length);
          yield part;
        }
      }
      yield lengthOf(0);
    } catch (error) {
      if (!isLeftOut(error)) throw error;
      yield lengthOf(isNotPut);
    }
  }
  yield Buffer.from(end);
}

/** The bytes of each file must be read before the next item. Throws `bad-request` for anything that is not such a stream. */
export async function* decodeFolder(source: AsyncIterable<Uint8Array>): AsyncGenerator<FolderItem, void, undefined> {
  const reader = new ByteReader(source[Symbol.asyncIterator](), malformed);
  try {
    for (;;) {
      const line = await reader.line();
      if (`${line}\n` === end) return;
      const item = itemOf(line);
      yield { ...item, bytes: piecesOf(reader, item.path) };
    }
  } finally {
    await reader.close();
  }
}

async function* piecesOf(reader: ByteReader, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const length = (await reader.take(lengthBytes)).readUInt32BE();
    if (length === 0) return;
    if (length === isNotPut) throw new ChordialError('changed-while-read', `${path} changed while it was read.`);
    if (length > maxPieceBytes) throw malformed(`a piece of ${length} bytes`);
    yield await reader.take(length);
  }
}

function itemOf(line: string): Omit<FolderItem, 'bytes'> {
  let value: Partial<Record<keyof FolderItem, unknown>> | null;
  try {
    value = JSON.parse(line) as typeof value;
  } catch {
    throw malformed('a line that is no JSON');
  }
  const { path, type, modified, executable } = value ?? {};
  if (typeof path !== 'string' || !path.isWellFormed() || path.split('/').some((part) => whyNotAName(part) !== null))
    throw malformed('a path that leads nowhere in it');
  if (type !== 'file' && type !== 'directory') throw malformed('an entry of no known type');
  return { path, type, ...checkedAttributes(modified, executable) };
}

function lengthOf(bytes: number): Uint8Array {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(bytes);
  return length;
}

function malformed(what: string): ChordialError {
  return new ChordialError(
    'bad-request',
    `The stream of a folder contains ${what}. "chordial put DIR" sends a valid one.`,
  );
}
