/** Reads the parts that the ring's messages are made of, from a host that may be hostile. */
import type { RingId } from '../ring/identifier.ts';
import type { MemberState } from '../ring/member-state.ts';
import {
  type Departure,
  type FindAnswer,
  type MembershipEvent,
  maxListEntries,
  maxSuggestions,
  type Notice,
  type OwnerAnswer,
  type StateAnswer,
} from '../ring/messages.ts';
import type { Contact, HostId, MemberPointer, Pointer } from '../ring/pointer.ts';
import { maxVirtualNodes } from './host-id.ts';
import { decodeRingId, PointerReader, type RingShape } from './pointer-codec.ts';
import { eventTypes, statuses } from './ring-vocabulary.ts';
import { decodeArrival, decodeDeparture, decodeShortId } from './spread-codec.ts';
import type { Wire } from './transport.ts';
import { malformed, readInteger, readList, readTuple } from './wire-reading.ts';

export class RingReader {
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
    return readList(value, 'identifiers', 0, maxListEntries).map((id) => this.id(id));
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

  /** Each from a member of the host that sent this. */
  notices(value: Wire): readonly Notice[] {
    return readList(value, 'notices', 0, maxListEntries).map((notice) => {
      const [to, from] = readTuple(notice, 'a notice', 2);
      return { to: this.id(to), from: this.own(from) };
    });
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
      guesses: this.members(guesses, maxSuggestions),
      closer: this.members(closer, maxSuggestions),
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

  shortId(value: Wire): RingId {
    return decodeShortId(value, this.#shape.bits);
  }

  arrivals(value: Wire): readonly MembershipEvent[] {
    return readList(value, 'arrivals', 0, maxListEntries).map(decodeArrival);
  }

  departures(value: Wire): readonly Departure[] {
    const { bits } = this.#shape;
    return readList(value, 'departures', 0, maxListEntries).map((departure) => decodeDeparture(departure, bits));
  }

  events(value: Wire): readonly MembershipEvent[] {
    return readList(value, 'events', 0, maxListEntries).map((event) => {
      const [type, contact, virtualNodes, incarnation] = readTuple(event, 'an event', 4);
      return {
        type: eventTypes[readInteger(type, 'the type of an event', 0, eventTypes.length - 1)] ?? 'dead',
        contact: this.table.contact(contact),
        virtualNodes: readInteger(virtualNodes, 'virtual nodes', 0, maxVirtualNodes),
        incarnation: readInteger(incarnation, 'an incarnation', 0, Number.MAX_SAFE_INTEGER),
      };
    });
  }
}
