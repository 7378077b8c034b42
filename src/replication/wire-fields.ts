/** Parts that the messages about blocks have in common. */
import type { CID } from 'multiformats/cid';
import { decodeCid } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import type { Wire } from '../network/transport.ts';
import { malformed } from '../network/wire-reading.ts';

/** A SHA-256 CID has 36 bytes. */
const maximumCidBytes = 64;

/** One field of a map; undefined when there is no map, which the reader of the field then refuses. */
export function field(value: Wire, name: string): Wire {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined;
  return (value as Record<string, unknown>)[name];
}

export function readCid(value: Wire): CID {
  if (!(value instanceof Uint8Array) || value.length > maximumCidBytes) throw malformed('a CID is not a few bytes');
  try {
    return decodeCid(value);
  } catch (error) {
    if (error instanceof ChordialError) throw malformed('a CID cannot be read');
    throw error;
  }
}
