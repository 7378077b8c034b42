/** Fields shared by messages about blocks. */
import type { CID } from 'multiformats/cid';
import { decodeCid } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import type { Wire } from '../network/transport.ts';
import { malformed } from '../network/wire-reading.ts';

/** A SHA-256 CID has 36 bytes. */
const maxCidBytes = 64;

export function readCid(value: Wire): CID {
  if (!(value instanceof Uint8Array) || value.length > maxCidBytes) throw malformed('a CID is not a few bytes');
  try {
    return decodeCid(value);
  } catch (error) {
    if (error instanceof ChordialError) throw malformed('a CID cannot be read');
    throw error;
  }
}
