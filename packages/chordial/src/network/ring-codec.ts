/**
 * All messages of the ring as DAG-CBOR: `[contacts, body]`, the body a list by position. A message names each contact once, in
 * the table; a pointer refers to it by position:
 *
 *   member, rule `key`:     position · 64 + index           (its id follows from the host's key, so it cannot be false)
 *   member, rule `chosen`:  [position · 64 + index, id]
 *   padding:                id                              (⌈bits/8⌉ bytes, big-endian)
 *
 * Events of large networks, where every byte is paid by every peer, have their contacts in them, with IPv4 addresses of 6
 * bytes (38 through a relay) and short ids of 8. Decoding trusts no one: lists are bounded, identifiers and contacts valid, answers as long as what
 * was asked, and a host speaks for itself only. What a message means for the state (order, duplicates) is the ring's to judge.
 */
import { isIPv4 } from 'node:net';
import {
  type Contact,
  type Departure,
  type HostId,
  isMember,
  isRingId,
  type MemberPointer,
  type MemberState,
  type MembershipEvent,
  maxListEntries,
  maxSuggestions,
  type Pointer,
  type RingAnswers,
  type RingAsks,
  type RingId,
  type RingMessageKind,
  type StateAnswer,
} from '@chordial/ring';
import {
  bare,
  bool,
  int,
  list,
  listFor,
  named,
  nullable,
  numbered,
  readBytes,
  readList,
  refine,
  type Schema,
  tuple,
  uint,
} from '../wire/schema.ts';
import { Malformed, type Wire } from '../wire/transport-error.ts';
import { formatRelay, maxAddresses, relayAddress } from './addresses.ts';
import { decodeContact, encodeContact, readContact, zoneOnWire } from './contact-codec.ts';
import { hostIdOfPublicKey, maxVirtualNodes, memberIdOfHost, publicKeyBytes, publicKeyOfHostId } from './host-id.ts';

/** What both ends know of the network a message belongs to: the bounds that it must keep. */
export interface RingShape {
  readonly bits: number;
  readonly successors: number;
  readonly rule: 'key' | 'chosen';
}

export interface RingCodec {
  /** `elsewhere`: the reader is on another machine. */
  encodeAsk<K extends RingMessageKind>(kind: K, ask: RingAsks[K], elsewhere?: boolean): Wire;
  encodeAnswer<K extends RingMessageKind>(kind: K, answer: RingAnswers[K], elsewhere?: boolean): Wire;
  /** Throws a TransportError `refused` for whatever `from` may not say. */
  decodeAsk<K extends RingMessageKind>(kind: K, wire: Wire, from: HostId): RingAsks[K];
  /** The same for the answer of `from` to `ask`. */
  decodeAnswer<K extends RingMessageKind>(kind: K, wire: Wire, ask: RingAsks[K], from: HostId): RingAnswers[K];
}

/** Every entry of the longest list may name a predecessor and a list of other hosts; the body's length bounds it too. */
const maxContacts = maxListEntries * 64;
const shortIdBytes = 8;
/** Milliseconds since 1970 fit until the year 10889. */
const incarnationBytes = 6;
const packedAddressBytes = 6;
/** Append only. */
const eventTypes = ['alive', 'away', 'left', 'dead'] as const satisfies readonly MembershipEvent['type'][];
const statuses = ['not-member', 'pending'] as const satisfies readonly StateAnswer['status'][];

/** The table of contacts of one message, and what else its values cannot be read without. */
class Table<Ask = unknown> {
  readonly contacts: Contact[];
  /** Who sent it. */
  readonly from: HostId | null;
  /** Of an answer: what it answers. */
  readonly ask: Ask;
  readonly elsewhere: boolean;
  #positions: Map<Contact, number> | null = null;

  constructor(contacts: Contact[], from: HostId | null, ask: Ask, elsewhere: boolean) {
    this.contacts = contacts;
    this.from = from;
    this.ask = ask;
    this.elsewhere = elsewhere;
  }

  positionOf(contact: Contact): number {
    this.#positions ??= new Map();
    const known = this.#positions.get(contact);
    if (known !== undefined) return known;
    const position = this.contacts.push(contact) - 1;
    this.#positions.set(contact, position);
    return position;
  }
}

interface MessageSchema<K extends RingMessageKind> {
  readonly ask: Schema<RingAsks[K], Table>;
  readonly answer: Schema<RingAnswers[K], Table<RingAsks[K]>>;
}

export function ringCodec(shape: RingShape): RingCodec {
  const messages: { readonly [K in RingMessageKind]: MessageSchema<K> } = ringMessages(shape);
  const encode = <Value>(schema: Schema<Value, Table<never>>, value: Value, elsewhere: boolean): Wire => {
    const table = new Table([], null, null as never, elsewhere);
    const body = schema.encode(value, table);
    return [table.contacts.map((contact) => encodeContact(contact, elsewhere)), body];
  };
  const decode = <Value, Ask>(schema: Schema<Value, Table<Ask>>, wire: Wire, from: HostId, ask: Ask): Value => {
    const [contacts, body] = readList(wire, 2, 2);
    return schema.decode(body, new Table(readList(contacts, 0, maxContacts).map(decodeContact), from, ask, false));
  };
  return {
    encodeAsk: (kind, ask, elsewhere = false) => encode(messages[kind].ask, ask, elsewhere),
    encodeAnswer: (kind, answer, elsewhere = false) => encode(messages[kind].answer, answer, elsewhere),
    decodeAsk: (kind, wire, from) => decode(messages[kind].ask, wire, from, null),
    decodeAnswer: (kind, wire, ask, from) => decode(messages[kind].answer, wire, from, ask),
  };
}

/** The messages of a ring, in the order of docs/wire-format.md. */
export function ringMessages({ bits, successors, rule }: RingShape) {
  const id: Schema<RingId> = {
    encode: (value) => encodeRingId(value, bits),
    decode: (wire) => decodeRingId(wire, bits),
  };
  const shortId: Schema<RingId> = {
    encode: (value) => encodeShortId(value, bits),
    decode: (wire) => decodeShortId(wire, bits),
  };
  const contact: Schema<Contact, Table> = {
    encode: (value, table) => table.positionOf(value),
    decode: (wire, { contacts }) => {
      if (typeof wire === 'number' && Number.isSafeInteger(wire) && wire >= 0 && wire < contacts.length)
        return contacts[wire]!;
      throw new Malformed('is not in the table of contacts');
    },
  };
  const member: Schema<MemberPointer, Table> = {
    encode: (value, table) => {
      const reference = table.positionOf(value.contact) * maxVirtualNodes + value.index;
      return rule === 'key' ? reference : [reference, encodeRingId(value.id, bits)];
    },
    decode: (wire, table) => {
      const chosen = rule === 'key' ? null : readList(wire, 2, 2);
      const reference = chosen === null ? wire : chosen[0];
      if (typeof reference !== 'number' || !Number.isSafeInteger(reference) || reference < 0)
        throw new Malformed('is no pointer');
      const known = table.contacts[Math.floor(reference / maxVirtualNodes)];
      if (known === undefined) throw new Malformed('is not in the table of contacts');
      const index = reference % maxVirtualNodes;
      const id = chosen === null ? memberIdOfHost(known.host, index, bits) : decodeRingId(chosen[1], bits);
      return { id, contact: known, index };
    },
  };
  const pointer: Schema<Pointer, Table> = {
    encode: (value, table) => (isMember(value) ? member.encode(value, table) : encodeRingId(value.id, bits)),
    decode: (wire, table) =>
      wire instanceof Uint8Array
        ? { id: decodeRingId(wire, bits), contact: null, index: 0 }
        : member.decode(wire, table),
  };
  const own = refine(member, (value, { from }: Table) =>
    value.contact.host === from ? null : 'speaks for a member of another host',
  );
  const ids = list(named('identifier', id), maxListEntries);
  const notices = list(tuple({ to: id, from: own }), maxListEntries);
  const allSuccessors = refine(list(pointer, successors, successors), (value) => {
    const padding = value.findIndex((one) => one.contact === null);
    return padding >= 0 && value.slice(padding).some((one) => one.contact !== null)
      ? 'has padding before a member'
      : null;
  });
  const memberState: Schema<MemberState, Table> = tuple({
    me: own,
    predecessor: member,
    successors: allSuccessors,
    epoch: uint,
  });
  const status = numbered(statuses);
  const state: Schema<StateAnswer, Table> = named('state', {
    encode: (value, table) =>
      value.status === 'member' ? memberState.encode(value.state, table) : status.encode(value.status, undefined),
    decode: (wire, table) =>
      typeof wire === 'number'
        ? { status: status.decode(wire, undefined) }
        : { status: 'member', state: memberState.decode(wire, table) },
  });
  const owner = named('owner', tuple({ owner: own, predecessor: pointer, successors: allSuccessors }));
  const suggestions = list(named('member', member), maxSuggestions);
  // By hand: of a message with many events a tuple would take half as long again.
  const event: Schema<MembershipEvent, Table> = named('event', {
    encode: (value, table) => [
      eventTypes.indexOf(value.type),
      table.positionOf(value.contact),
      value.virtualNodes,
      value.incarnation,
    ],
    decode: (wire, table) => {
      const [type, position, virtualNodes, life] = readList(wire, 4, 4);
      return {
        type: eventType.decode(type, table),
        contact: contact.decode(position, table),
        virtualNodes: virtualNodesOf.decode(virtualNodes, table),
        incarnation: uint.decode(life, table),
      };
    },
  });
  const events = bare('events', list(event, maxListEntries));
  const departure: Schema<Departure> = named('departure', tuple({ first: shortId, type: departureType, incarnation }));
  const arrivals = list(arrival, maxListEntries);
  const acknowledgement: Schema<Record<string, never>> = tuple({});
  return {
    getState: {
      ask: tuple({ members: ids, notices }),
      answer: bare(
        'states',
        listFor(state, ({ ask }: Table<RingAsks['getState']>) => ask.members.length),
      ),
    },
    notify: { ask: bare('notices', notices), answer: acknowledgement },
    find: {
      ask: bare('keys', ids),
      answer: bare(
        'found',
        listFor(
          tuple({ owned: nullable(owner), guesses: suggestions, closer: suggestions }),
          ({ ask }: Table<RingAsks['find']>) => ask.keys.length,
        ),
      ),
    },
    wake: {
      ask: tuple({ members: ids, candidates: list(named('member', member), maxListEntries) }),
      answer: acknowledgement,
    },
    leave: { ask: tuple({ forGood: bool, members: ids }), answer: acknowledgement },
    probe: {
      ask: bare('hosts', list(named('position', contact), maxListEntries)),
      answer: bare(
        'reached',
        listFor(named('reached', bool), ({ ask }: Table<RingAsks['probe']>) => ask.hosts.length),
      ),
    },
    gossip: { ask: events, answer: events },
    events: {
      ask: tuple({ until: shortId, arrivals, departures: list(departure, maxListEntries) }),
      answer: acknowledgement,
    },
    snapshot: {
      ask: tuple({ after: id, max: int(1, maxListEntries) }),
      answer: refine(tuple({ total: uint, hosts: arrivals }), ({ hosts }, { ask }: Table<RingAsks['snapshot']>) =>
        hosts.length > ask.max ? 'is longer than asked for' : null,
      ),
    },
  };
}

const incarnation: Schema<number> = {
  encode: (value) => {
    const bytes = Buffer.allocUnsafe(incarnationBytes);
    bytes.writeUIntBE(Math.min(value, 2 ** 48 - 1), 0, incarnationBytes);
    return bytes;
  },
  decode: (wire) => {
    const bytes = readBytes(wire, incarnationBytes);
    return Buffer.from(bytes.buffer, bytes.byteOffset, incarnationBytes).readUIntBE(0, incarnationBytes);
  },
};

/** `[public key (32 bytes), [address, …], virtual nodes, incarnation]`, and fifth the zone of a host that has one. */
const arrival: Schema<MembershipEvent, Table> = named('arrival', {
  encode: ({ contact, virtualNodes, incarnation: life }, { elsewhere }) => {
    const [key, addresses] = encodeContact(contact, elsewhere);
    return [key, addresses.map(packAddress), virtualNodes, incarnation.encode(life, undefined), ...zoneOnWire(contact)];
  },
  decode: (wire) => {
    const [key, addresses, virtualNodes, life, zone] = readList(wire, 4, 5);
    return {
      type: 'alive',
      contact: readContact(key, readList(addresses, 0, maxAddresses).map(unpackAddress), zone),
      virtualNodes: virtualNodesOf.decode(virtualNodes, undefined),
      incarnation: incarnation.decode(life, undefined),
    };
  },
});
const virtualNodesOf = int(0, maxVirtualNodes);

const eventType = numbered(eventTypes);
const departureType = refine(eventType, (type) => (type === 'alive' ? 'is no departure' : null)) as unknown as Schema<
  Departure['type']
>;

function encodeRingId(id: RingId, bits: number): Uint8Array {
  const digits = Math.ceil(bits / 8) * 2;
  return Buffer.from(id.length === digits ? id : id.padStart(digits, '0'), 'hex');
}

function decodeRingId(wire: Wire, bits: number): RingId {
  const length = Math.ceil(bits / 8);
  const bytes = readBytes(wire, length);
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('hex');
  if (bits % 8 === 0) return hex as RingId;
  const spareDigits = length * 2 - Math.ceil(bits / 4);
  const id = hex.slice(spareDigits);
  if (!isRingId(id, bits) || (spareDigits === 1 && !hex.startsWith('0')))
    throw new Malformed(`is not an identifier below 2^${bits}`);
  return id;
}

export function encodeShortId(id: RingId, bits: number): Uint8Array {
  return encodeRingId(id, bits).subarray(0, shortIdBytes);
}

/** The bits left out are 0. */
export function decodeShortId(wire: Wire, bits: number): RingId {
  const length = Math.ceil(bits / 8);
  const whole = new Uint8Array(length);
  whole.set(readBytes(wire, Math.min(length, shortIdBytes)));
  return decodeRingId(whole, bits);
}

/** An IPv4 address takes 6 bytes; through a relay they follow its public key. */
function packAddress(text: string): Wire {
  const through = relayAddress(text);
  const bytes = packDirect(through?.at ?? text);
  if (bytes === null) return text;
  return through === null ? bytes : Buffer.concat([publicKeyOfHostId(through.relay), bytes]);
}

function packDirect(text: string): Uint8Array | null {
  const colon = text.indexOf(':');
  const host = text.slice(0, colon);
  if (!isIPv4(host)) return null;
  const bytes = new Uint8Array(packedAddressBytes);
  const port = Number(text.slice(colon + 1));
  for (const [at, part] of host.split('.').entries()) bytes[at] = Number(part);
  bytes[4] = port >> 8;
  bytes[5] = port;
  return bytes;
}

function unpackAddress(wire: Wire): Wire {
  if (!(wire instanceof Uint8Array)) return wire;
  if (wire.length === packedAddressBytes) return unpackDirect(wire);
  const bytes = readBytes(wire, publicKeyBytes + packedAddressBytes);
  const relay = hostIdOfPublicKey(bytes.subarray(0, publicKeyBytes));
  return formatRelay({ relay, at: unpackDirect(bytes.subarray(publicKeyBytes)) });
}

function unpackDirect([a, b, c, d, high = 0, low = 0]: Uint8Array): string {
  return `${a}.${b}.${c}.${d}:${256 * high + low}`;
}

export const ringMessageKinds: readonly string[] = Object.keys(ringMessages({ bits: 1, successors: 1, rule: 'key' }));

export function isRingMessageKind(kind: string): kind is RingMessageKind {
  return ringMessageKinds.includes(kind);
}
