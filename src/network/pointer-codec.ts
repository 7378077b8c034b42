/**
 * Pointers on the wire. A message names each contact once, in a table; a pointer refers to it by position:
 *
 *   member, rule `key`:     position · 64 + index           (its id follows from the host's key, so it cannot be false)
 *   member, rule `chosen`:  [position · 64 + index, id]
 *   padding:                id                              (⌈bits/8⌉ bytes, big-endian)
 */
import { isRingId, type RingId } from '../ring/identifier.ts';
import { type Contact, isMember, type MemberPointer, type Pointer } from '../ring/pointer.ts';
import { encodeContact } from './contact-codec.ts';
import { maxVirtualNodes, memberIdOfHost } from './host-id.ts';
import type { Wire } from './transport.ts';
import { malformed, readBytes, readInteger, readTuple } from './wire-reading.ts';

/** What both ends know of the network a message belongs to: the bounds that it must keep. */
export interface RingShape {
  readonly bits: number;
  readonly successors: number;
  readonly rule: 'key' | 'chosen';
}

export function encodeRingId(id: RingId, bits: number): Uint8Array {
  return Uint8Array.from(Buffer.from(id.padStart(Math.ceil(bits / 8) * 2, '0'), 'hex'));
}

export function decodeRingId(value: Wire, bits: number): RingId {
  const length = Math.ceil(bits / 8);
  const bytes = readBytes(value, 'an identifier', length);
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('hex');
  const spareDigits = length * 2 - Math.ceil(bits / 4);
  const id = hex.slice(spareDigits);
  if (!isRingId(id, bits) || (spareDigits === 1 && !hex.startsWith('0'))) {
    throw malformed(`an identifier is not below 2^${bits}`);
  }
  return id;
}

/** Collects the contacts that a message names. */
export class ContactTable {
  readonly #shape: RingShape;
  readonly #elsewhere: boolean;
  readonly #positions = new Map<Contact, number>();
  readonly contacts: Wire[] = [];

  constructor(shape: RingShape, elsewhere: boolean) {
    this.#shape = shape;
    this.#elsewhere = elsewhere;
  }

  contact(contact: Contact): number {
    const known = this.#positions.get(contact);
    if (known !== undefined) return known;
    const position = this.contacts.push(encodeContact(contact, this.#elsewhere)) - 1;
    this.#positions.set(contact, position);
    return position;
  }

  pointer(pointer: Pointer): Wire {
    const { bits, rule } = this.#shape;
    if (!isMember(pointer)) return encodeRingId(pointer.id, bits);
    const reference = this.contact(pointer.contact) * maxVirtualNodes + pointer.index;
    return rule === 'key' ? reference : [reference, encodeRingId(pointer.id, bits)];
  }
}

/** Reads the pointers of one message, whose table of contacts is already decoded. */
export class PointerReader {
  readonly #shape: RingShape;
  readonly #contacts: readonly Contact[];

  constructor(shape: RingShape, contacts: readonly Contact[]) {
    this.#shape = shape;
    this.#contacts = contacts;
  }

  contact(value: Wire): Contact {
    const contact = this.#contacts[readInteger(value, 'a contact', 0, this.#contacts.length - 1)];
    if (contact === undefined) throw malformed('a contact is not in the table');
    return contact;
  }

  member(value: Wire): MemberPointer {
    const { bits, rule } = this.#shape;
    const [reference, chosenId] = rule === 'key' ? [value] : readTuple(value, 'a pointer', 2);
    const most = this.#contacts.length * maxVirtualNodes - 1;
    const number = readInteger(reference, 'a pointer', 0, most);
    const contact = this.contact(Math.floor(number / maxVirtualNodes));
    const index = number % maxVirtualNodes;
    const id = rule === 'key' ? memberIdOfHost(contact.host, index, bits) : decodeRingId(chosenId, bits);
    return { id, contact, index };
  }

  pointer(value: Wire): Pointer {
    if (!(value instanceof Uint8Array)) return this.member(value);
    return { id: decodeRingId(value, this.#shape.bits), contact: null, index: 0 };
  }
}
