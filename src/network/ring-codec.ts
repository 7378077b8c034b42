/**
 * All messages of the ring as DAG-CBOR: `[contacts, body]`, the body a list by position. Decoding trusts nobody: lists
 * are bounded, identifiers and contacts valid, answers as long as what was asked, and a host speaks for itself only.
 * What a message means for the state (order, duplicates) is the ring's to judge.
 */
import type { RingId } from '../ring/identifier.ts';
import type { MemberState } from '../ring/member-state.ts';
import {
  type FindAnswer,
  type MembershipEvent,
  maximumListEntries,
  maximumSuggestions,
  type OwnerAnswer,
  type RingAnswers,
  type RingAsks,
  type RingMessageKind,
  type StateAnswer,
} from '../ring/messages.ts';
import type { Contact, HostId, MemberPointer, Pointer } from '../ring/pointer.ts';
import { decodeContact } from './contact-codec.ts';
import { maximumVirtualNodes } from './host-id.ts';
import { ContactTable, decodeRingId, encodeRingId, PointerReader, type RingShape } from './pointer-codec.ts';
import type { Wire } from './transport.ts';
import { malformed, readBoolean, readInteger, readList, readTuple } from './wire-reading.ts';

/** Every entry of the longest list may name a predecessor and a list of other hosts; the body's length bounds it too. */
const maximumContacts = maximumListEntries * 64;
const eventTypes = ['alive', 'away', 'left', 'dead'] as const satisfies readonly MembershipEvent['type'][];
const statuses = ['not-member', 'pending'] as const;

export interface RingCodec {
  /** `elsewhere`: the reader is on another machine. */
  encodeAsk<K extends RingMessageKind>(kind: K, ask: RingAsks[K], elsewhere?: boolean): Wire;
  encodeAnswer<K extends RingMessageKind>(kind: K, answer: RingAnswers[K], elsewhere?: boolean): Wire;
  /** Throws a TransportError `refused` for whatever `from` may not say. */
  decodeAsk<K extends RingMessageKind>(kind: K, wire: Wire, from: HostId): RingAsks[K];
  /** The same for the answer of `from` to `ask`. */
  decodeAnswer<K extends RingMessageKind>(kind: K, wire: Wire, ask: RingAsks[K], from: HostId): RingAnswers[K];
}

interface MessageForm<K extends RingMessageKind> {
  writeAsk(table: Writer, ask: RingAsks[K]): Wire;
  readAsk(reader: Reader, body: Wire): RingAsks[K];
  writeAnswer(table: Writer, answer: RingAnswers[K]): Wire;
  readAnswer(reader: Reader, body: Wire, ask: RingAsks[K]): RingAnswers[K];
}

export function ringCodec(shape: RingShape): RingCodec {
  const write = (elsewhere: boolean, body: (writer: Writer) => Wire): Wire => {
    const writer = new Writer(shape, elsewhere);
    const wire = body(writer);
    return [writer.table.contacts, wire];
  };
  const read = (wire: Wire, from: HostId): [Reader, Wire] => {
    const [table, body] = readTuple(wire, 'the message', 2);
    const contacts = readList(table, 'the table of contacts', 0, maximumContacts).map(decodeContact);
    return [new Reader(shape, contacts, from), body];
  };
  return {
    encodeAsk: (kind, ask, elsewhere = false) => write(elsewhere, (writer) => formOf(kind).writeAsk(writer, ask)),
    encodeAnswer: (kind, answer, elsewhere = false) =>
      write(elsewhere, (writer) => formOf(kind).writeAnswer(writer, answer)),
    decodeAsk: (kind, wire, from) => formOf(kind).readAsk(...read(wire, from)),
    decodeAnswer: (kind, wire, ask, from) => formOf(kind).readAnswer(...read(wire, from), ask),
  };
}

export function isRingMessageKind(kind: string): kind is RingMessageKind {
  return Object.hasOwn(forms, kind);
}

function formOf<K extends RingMessageKind>(kind: K): MessageForm<K> {
  return forms[kind] as MessageForm<K>;
}

const acknowledgement = {
  writeAnswer: (): Wire => [],
  readAnswer: (_: Reader, body: Wire): Record<string, never> => {
    readTuple(body, 'the acknowledgement', 0);
    return {};
  },
};

const forms: { readonly [K in RingMessageKind]: MessageForm<K> } = {
  getState: {
    writeAsk: (writer, { members }) => writer.ids(members),
    readAsk: (reader, body) => ({ members: reader.ids(body) }),
    writeAnswer: (writer, { states }) => states.map((state) => writer.state(state)),
    readAnswer: (reader, body, { members }) => ({
      states: readTuple(body, 'states', members.length).map((state) => reader.state(state)),
    }),
  },
  notify: {
    writeAsk: (writer, { notices }) => notices.map(({ to, from }) => [writer.id(to), writer.table.pointer(from)]),
    readAsk: (reader, body) => ({
      notices: readList(body, 'notices', 0, maximumListEntries).map((notice) => {
        const [to, from] = readTuple(notice, 'a notice', 2);
        return { to: reader.id(to), from: reader.own(from) };
      }),
    }),
    ...acknowledgement,
  },
  find: {
    writeAsk: (writer, { keys }) => writer.ids(keys),
    readAsk: (reader, body) => ({ keys: reader.ids(body) }),
    writeAnswer: (writer, { found }) => found.map((answer) => writer.found(answer)),
    readAnswer: (reader, body, { keys }) => ({
      found: readTuple(body, 'answers', keys.length).map((answer) => reader.found(answer)),
    }),
  },
  poke: {
    writeAsk: (writer, { members, candidates }) => [writer.ids(members), writer.pointers(candidates)],
    readAsk: (reader, body) => {
      const [members, candidates] = readTuple(body, 'a poke', 2);
      return { members: reader.ids(members), candidates: reader.members(candidates, maximumListEntries) };
    },
    ...acknowledgement,
  },
  leave: {
    writeAsk: (writer, { forGood, members }) => [forGood, writer.ids(members)],
    readAsk: (reader, body) => {
      const [forGood, members] = readTuple(body, 'a leave', 2);
      return { forGood: readBoolean(forGood, 'for good'), members: reader.ids(members) };
    },
    ...acknowledgement,
  },
  probe: {
    writeAsk: (writer, { hosts }) => hosts.map((host) => writer.table.contact(host)),
    readAsk: (reader, body) => ({
      hosts: readList(body, 'hosts', 0, maximumListEntries).map((host) => reader.table.contact(host)),
    }),
    writeAnswer: (_, { reached }) => [...reached],
    readAnswer: (_, body, { hosts }) => ({
      reached: readTuple(body, 'the hosts reached', hosts.length).map((value) => readBoolean(value, 'reached')),
    }),
  },
  news: {
    writeAsk: (writer, { events }) => writer.events(events),
    readAsk: (reader, body) => ({ events: reader.events(body) }),
    writeAnswer: (writer, { events }) => writer.events(events),
    readAnswer: (reader, body) => ({ events: reader.events(body) }),
  },
};

class Writer {
  readonly table: ContactTable;
  readonly #bits: number;

  constructor(shape: RingShape, elsewhere: boolean) {
    this.table = new ContactTable(shape, elsewhere);
    this.#bits = shape.bits;
  }

  id(id: RingId): Wire {
    return encodeRingId(id, this.#bits);
  }

  ids(ids: readonly RingId[]): Wire {
    return ids.map((id) => this.id(id));
  }

  pointers(pointers: readonly Pointer[]): Wire {
    return pointers.map((pointer) => this.table.pointer(pointer));
  }

  state(answer: StateAnswer): Wire {
    if (answer.status !== 'member') return statuses.indexOf(answer.status);
    const { me, predecessor, successors, epoch } = answer.state;
    return [this.table.pointer(me), this.table.pointer(predecessor), this.pointers(successors), epoch];
  }

  found({ owned, guesses, closer }: FindAnswer): Wire {
    const owner =
      owned === null
        ? null
        : [this.table.pointer(owned.owner), this.table.pointer(owned.predecessor), this.pointers(owned.successors)];
    return [owner, this.pointers(guesses), this.pointers(closer)];
  }

  events(events: readonly MembershipEvent[]): Wire {
    return events.map(({ type, contact, virtualNodes, incarnation }) => [
      eventTypes.indexOf(type),
      this.table.contact(contact),
      virtualNodes,
      incarnation,
    ]);
  }
}

class Reader {
  readonly table: PointerReader;
  readonly #shape: RingShape;
  readonly #from: HostId;

  constructor(shape: RingShape, contacts: readonly Contact[], from: HostId) {
    this.#shape = shape;
    this.#from = from;
    this.table = new PointerReader(shape, contacts);
  }

  id(value: Wire): RingId {
    return decodeRingId(value, this.#shape.bits);
  }

  ids(value: Wire): readonly RingId[] {
    return readList(value, 'identifiers', 0, maximumListEntries).map((id) => this.id(id));
  }

  members(value: Wire, most: number): readonly MemberPointer[] {
    return readList(value, 'members', 0, most).map((member) => this.table.member(member));
  }

  /** A member of the host that sent this. */
  own(value: Wire): MemberPointer {
    const member = this.table.member(value);
    if (member.contact.host !== this.#from) throw malformed('it speaks for a member of another host');
    return member;
  }

  /** Exactly s entries, padding only at the tail. */
  successors(value: Wire): readonly Pointer[] {
    const list = readTuple(value, 'successors', this.#shape.successors).map((entry) => this.table.pointer(entry));
    const padding = list.findIndex(({ contact }) => contact === null);
    if (padding >= 0 && list.slice(padding).some(({ contact }) => contact !== null)) {
      throw malformed('successors have padding before a member');
    }
    return list;
  }

  state(value: Wire): StateAnswer {
    if (typeof value === 'number') {
      const status = statuses[readInteger(value, 'a state', 0, statuses.length - 1)];
      return { status: status ?? 'not-member' };
    }
    const [me, predecessor, successors, epoch] = readTuple(value, 'a state', 4);
    const state: MemberState = {
      me: this.own(me),
      predecessor: this.table.member(predecessor),
      successors: this.successors(successors),
      epoch: readInteger(epoch, 'an epoch', 0, Number.MAX_SAFE_INTEGER),
    };
    return { status: 'member', state };
  }

  found(value: Wire): FindAnswer {
    const [owned, guesses, closer] = readTuple(value, 'an answer', 3);
    return {
      owned: owned === null ? null : this.#owner(owned),
      guesses: this.members(guesses, maximumSuggestions),
      closer: this.members(closer, maximumSuggestions),
    };
  }

  #owner(value: Wire): OwnerAnswer {
    const [owner, predecessor, successors] = readTuple(value, 'an owner', 3);
    return {
      owner: this.own(owner),
      predecessor: this.table.pointer(predecessor),
      successors: this.successors(successors),
    };
  }

  events(value: Wire): readonly MembershipEvent[] {
    return readList(value, 'events', 0, maximumListEntries).map((event) => {
      const [type, contact, virtualNodes, incarnation] = readTuple(event, 'an event', 4);
      return {
        type: eventTypes[readInteger(type, 'the type of an event', 0, eventTypes.length - 1)] ?? 'dead',
        contact: this.table.contact(contact),
        virtualNodes: readInteger(virtualNodes, 'virtual nodes', 0, maximumVirtualNodes),
        incarnation: readInteger(incarnation, 'an incarnation', 0, Number.MAX_SAFE_INTEGER),
      };
    });
  }
}
