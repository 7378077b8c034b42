/**
 * Wire formats of pointers: where a block is that a full host would hold. Hosts are named by id; a reader that does not
 * know the id asks elsewhere.
 *
 * `blocks.point` request `{cids, holder}` → `{}`: the holder has these blocks in place of the receiver.
 * `blocks.where` request `{cids}` → `{holders}`: per CID the id of its holder, or null.
 */

import type { HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { isHostId } from '../network/host-id.ts';
import type { Wire } from '../network/transport.ts';
import { field, malformed, readList } from '../network/wire-reading.ts';
import { readCid } from './wire-fields.ts';

export const pointerMessages = { point: 'blocks.point', where: 'blocks.where' } as const;

export const maxCidsPerPointer = 256;

export interface Pointing {
  readonly cids: readonly CID[];
  readonly holder: HostId;
}

export const encodePointing = ({ cids, holder }: Pointing): Wire => ({ cids: cids.map(({ bytes }) => bytes), holder });

export function decodePointing(body: Wire): Pointing {
  const cids = readList(field(body, 'cids'), 'the list of CIDs', 1, maxCidsPerPointer).map(readCid);
  return { cids, holder: readHost(field(body, 'holder')) };
}

export const encodeWhere = (holders: readonly (HostId | null)[]): Wire => ({ holders });

/** Entry i belongs to CID i of the request. */
export function decodeWhere(body: Wire, count: number): readonly (HostId | null)[] {
  const holders = readList(field(body, 'holders'), 'the list of holders', count, count);
  return holders.map((holder) => (holder === null ? null : readHost(holder)));
}

function readHost(value: Wire): HostId {
  if (!isHostId(value)) throw malformed('a holder is no peer id');
  return value;
}
