/** Writes the parts that the ring's messages are made of. */
import type { RingId } from '../ring/identifier.ts';
import type { Departure, FindAnswer, MembershipEvent, Notice, StateAnswer } from '../ring/messages.ts';
import type { Pointer } from '../ring/pointer.ts';
import { ContactTable, encodeRingId, type RingShape } from './pointer-codec.ts';
import { eventTypes, statuses } from './ring-vocabulary.ts';
import { encodeArrival, encodeDeparture, encodeShortId } from './spread-codec.ts';
import type { Wire } from './transport.ts';

export class RingWriter {
  readonly table: ContactTable;
  readonly #bits: number;
  readonly #elsewhere: boolean;

  constructor(shape: RingShape, elsewhere: boolean) {
    this.table = new ContactTable(shape, elsewhere);
    this.#bits = shape.bits;
    this.#elsewhere = elsewhere;
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

  notices(notices: readonly Notice[]): Wire {
    return notices.map(({ to, from }) => [this.id(to), this.table.pointer(from)]);
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

  shortId(id: RingId): Wire {
    return encodeShortId(id, this.#bits);
  }

  arrivals(events: readonly MembershipEvent[]): Wire {
    return events.map((event) => encodeArrival(event, this.#elsewhere));
  }

  departures(departures: readonly Departure[]): Wire {
    return departures.map((departure) => encodeDeparture(departure, this.#bits));
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
