/**
 * Membership events of large networks on the wire, where every byte is paid by every peer: contacts stand in the event,
 * IPv4 addresses are 6 bytes, ids are cut to 8, and incarnations have 6.
 *
 *   arrival:   [public key (32 bytes), [address, …], virtual nodes, incarnation]
 *   departure: [first 8 bytes of the id of the host's member 0, 1 away, 2 left, 3 dead, incarnation]
 */
import { isIPv4 } from 'node:net';
import type { RingId } from '../ring/identifier.ts';
import type { Departure, MembershipEvent } from '../ring/messages.ts';
import { maxAddresses } from './addresses.ts';
import { decodeContact, encodeContact } from './contact-codec.ts';
import { maxVirtualNodes } from './host-id.ts';
import { decodeRingId, encodeRingId } from './pointer-codec.ts';
import { eventTypes } from './ring-vocabulary.ts';
import type { Wire } from './transport.ts';
import { malformed, readBytes, readInteger, readList, readTuple } from './wire-reading.ts';

const shortIdBytes = 8;
/** Milliseconds since 1970 fit until the year 10889. */
const incarnationBytes = 6;
const packedAddressBytes = 6;

export function encodeArrival({ contact, virtualNodes, incarnation }: MembershipEvent, elsewhere: boolean): Wire {
  const [key, addresses] = encodeContact(contact, elsewhere) as [Uint8Array, readonly string[]];
  return [key, addresses.map(packAddress), virtualNodes, encodeIncarnation(incarnation)];
}

export function decodeArrival(value: Wire): MembershipEvent {
  const [key, addresses, virtualNodes, incarnation] = readTuple(value, 'an arrival', 4);
  const list = readList(addresses, 'the addresses of a contact', 0, maxAddresses).map(unpackAddress);
  return {
    type: 'alive',
    contact: decodeContact([key, list]),
    virtualNodes: readInteger(virtualNodes, 'virtual nodes', 0, maxVirtualNodes),
    incarnation: decodeIncarnation(incarnation),
  };
}

export function encodeDeparture({ first, type, incarnation }: Departure, bits: number): Wire {
  return [encodeShortId(first, bits), eventTypes.indexOf(type), encodeIncarnation(incarnation)];
}

export function decodeDeparture(value: Wire, bits: number): Departure {
  const [first, type, incarnation] = readTuple(value, 'a departure', 3);
  const name = eventTypes[readInteger(type, 'the type of a departure', 1, eventTypes.length - 1)];
  if (name === undefined || name === 'alive') throw malformed('a departure has no type');
  return { first: decodeShortId(first, bits), type: name, incarnation: decodeIncarnation(incarnation) };
}

export function encodeShortId(id: RingId, bits: number): Uint8Array {
  return encodeRingId(id, bits).slice(0, shortIdBytes);
}

/** The bits left out are 0. */
export function decodeShortId(value: Wire, bits: number): RingId {
  const length = Math.ceil(bits / 8);
  const whole = new Uint8Array(length);
  whole.set(readBytes(value, 'a short identifier', Math.min(length, shortIdBytes)));
  return decodeRingId(whole, bits);
}

function encodeIncarnation(incarnation: number): Uint8Array {
  const bytes = Buffer.alloc(incarnationBytes);
  bytes.writeUIntBE(Math.min(incarnation, 2 ** 48 - 1), 0, incarnationBytes);
  return Uint8Array.from(bytes);
}

function decodeIncarnation(value: Wire): number {
  const bytes = readBytes(value, 'an incarnation', incarnationBytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, incarnationBytes).readUIntBE(0, incarnationBytes);
}

function packAddress(text: string): Wire {
  const [host = '', port = ''] = text.split(':');
  if (!isIPv4(host)) return text;
  return Uint8Array.from([...host.split('.').map(Number), Number(port) >> 8, Number(port) & 255]);
}

function unpackAddress(value: Wire): Wire {
  if (!(value instanceof Uint8Array)) return value;
  const [a, b, c, d, high = 0, low = 0] = readBytes(value, 'an address', packedAddressBytes);
  return `${a}.${b}.${c}.${d}:${256 * high + low}`;
}
