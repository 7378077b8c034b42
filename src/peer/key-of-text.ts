/** The ring key of an argument: a CID if it parses as one, `key:HEX`, `name:X`, else a name. */

import { digitsOf, isRingId, type RingId, ringIdOfHash } from '@chordial/ring';
import { blockKey, cidIn } from '../content/cid.ts';
import { namePosition } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { Genesis } from '../network/genesis.ts';

/** Throws `bad-request` for a key of the wrong width, `bad-name` for an invalid name. */
export function keyOfText(text: string, genesis: Pick<Genesis, 'bits' | 'rule'>): RingId {
  const { bits, rule } = genesis;
  if (text.startsWith('key:')) {
    const key = text.slice('key:'.length).toLowerCase();
    if (isRingId(key, bits)) return key;
    const message = `${JSON.stringify(text.slice(0, 80))} is not a key of this ring. Give key: and ${digitsOf(bits)} hexadecimal digits below 2^${bits}.`;
    throw new ChordialError('bad-request', message);
  }
  const named = text.startsWith('name:');
  const cid = named ? null : cidIn(text);
  if (cid !== null) return ringIdOfHash(blockKey(cid), bits);
  return namePosition(named ? text.slice('name:'.length) : text, bits, rule === 'chosen');
}
