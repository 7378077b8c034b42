/** Hits on the wire: `[name, root, size, type, sha256 or null, source, isShared, time]`. */
import { decodeCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { decodeContact, encodeContact } from '../network/contact-codec.ts';
import { TransportError, type Wire } from '../network/transport.ts';
import {
  malformed,
  readBoolean,
  readBytes,
  readInteger,
  readList,
  readText,
  readTuple,
} from '../network/wire-reading.ts';
import type { Hit } from './hit.ts';

/** Some 600 bytes each, well within a message. */
export const maxHitsPerMessage = 500;
const maxRootBytes = 128;

export function encodeHits(hits: readonly Hit[]): Wire {
  return hits.map(({ name, root, size, type, sha256, source, isShared, time }) => [
    name,
    root.bytes,
    size,
    type === 'directory',
    sha256 === null ? null : Buffer.from(sha256, 'hex'),
    encodeContact(source, false),
    isShared,
    time,
  ]);
}

/** An unreadable hit does not affect the others. Refuses (TransportError) anything that is not a list, or too long. */
export function decodeHits(value: Wire): readonly Hit[] {
  return readList(value, 'the hits', 0, maxHitsPerMessage).flatMap((one) => {
    try {
      return [decodeHit(one)];
    } catch (error) {
      if (error instanceof TransportError) return [];
      throw error;
    }
  });
}

function decodeHit(value: Wire): Hit {
  const [name, root, size, isFolder, sha256, source, isShared, time] = readTuple(value, 'a hit', 8);
  return {
    name: readName(name),
    root: readRoot(root),
    size: readInteger(size, 'a size', 0, Number.MAX_SAFE_INTEGER),
    type: readBoolean(isFolder, 'whether it is a folder') ? 'directory' : 'file',
    sha256: sha256 === null ? null : Buffer.from(readBytes(sha256, 'a SHA-256', 32)).toString('hex'),
    source: decodeContact(source),
    isShared: readBoolean(isShared, 'whether it is shared'),
    time: readInteger(time, 'a time', 0, Number.MAX_SAFE_INTEGER),
  };
}

function readName(value: Wire): string {
  const name = readText(value, 'a name', 255);
  try {
    return checkName(name);
  } catch (error) {
    if (error instanceof ChordialError) throw malformed('a name is none');
    throw error;
  }
}

function readRoot(value: Wire): Hit['root'] {
  if (!(value instanceof Uint8Array) || value.length > maxRootBytes) throw malformed('a root is no CID');
  try {
    return decodeCid(value);
  } catch (error) {
    if (error instanceof ChordialError) throw malformed('a root is no CID');
    throw error;
  }
}
