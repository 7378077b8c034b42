/**
 * Wire formats of pointers: where the block is that a host without room would hold.
 *
 * `blocks.point` request `{cids, holder}` → `{}`: the holder, a contact, has these blocks in the place of the host told.
 * `blocks.where` request `{cids}` → `{holders, positions}`: per CID the position of its holder's contact, −1 without one.
 */
import type { CID } from 'multiformats/cid';
import { decodeContact, encodeContact } from '../network/contact-codec.ts';
import type { Wire } from '../network/transport.ts';
import { readInteger, readList } from '../network/wire-reading.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import { field, readCid } from './wire-fields.ts';

export const pointerMessages = { point: 'blocks.point', where: 'blocks.where' } as const;

export const maximumCidsPerPointer = 256;

export interface Pointing {
  readonly cids: readonly CID[];
  readonly holder: Contact;
}

export const encodePointing = ({ cids, holder }: Pointing): Wire => ({
  cids: cids.map(({ bytes }) => bytes),
  holder: encodeContact(holder, false),
});

export function decodePointing(body: Wire): Pointing {
  const cids = readList(field(body, 'cids'), 'the list of CIDs', 1, maximumCidsPerPointer).map(readCid);
  return { cids, holder: decodeContact(field(body, 'holder')) };
}

/** Entry i belongs to CID i of the question. */
export function encodeWhere(holders: readonly (Contact | null)[]): Wire {
  const contacts = [...new Map(holders.flatMap((one) => (one === null ? [] : [[one.host, one] as const]))).values()];
  const positionOf = new Map<HostId, number>(contacts.map(({ host }, position) => [host, position]));
  return {
    holders: contacts.map((contact) => encodeContact(contact, false)),
    positions: holders.map((one) => (one === null ? -1 : (positionOf.get(one.host) ?? -1))),
  };
}

export function decodeWhere(body: Wire, count: number): readonly (Contact | null)[] {
  const contacts = readList(field(body, 'holders'), 'the holders', 0, maximumCidsPerPointer).map(decodeContact);
  const positions = readList(field(body, 'positions'), 'the positions of holders', count, count);
  return positions.map((position) => {
    const at = readInteger(position, 'the position of a holder', -1, contacts.length - 1);
    return at === -1 ? null : contacts[at]!;
  });
}
