/** What was told on lately and how far, so that events which come over two paths are not told twice. */

import type { Milliseconds } from '../host/ports.ts';
import { between, type RingId } from '../protocol/identifier.ts';

export interface TreeEvent {
  /** The host's member with index 0. */
  readonly first: RingId;
  readonly incarnation: number;
  readonly what: 'there' | 'gone';
}

interface Told extends Omit<TreeEvent, 'first'> {
  readonly until: RingId;
}

/** Events are forgotten after one to two such times; none is in progress for as long. */
const generation: Milliseconds = 60_000;
/** Of one generation; then the older one goes early. */
const maxTold = 16_384;
/** Ids travel shortened, see `shortId`. */
const comparedDigits = 15;

/** Ids of hosts' first members are told apart by so many digits: enough for any network, and short on the wire. */
export function shortId(id: RingId): string {
  return id.slice(0, comparedDigits);
}

export class EventMemory {
  #young = new Map<string, Told>();
  #old = new Map<string, Told>();
  #bornAt: Milliseconds = 0;

  /** Whether this event, or one that outdates it, was heard lately. */
  knows(event: TreeEvent): boolean {
    const told = this.#told(event.first);
    return told !== undefined && order(told) >= order(event);
  }

  /** Notes that the event goes to the arc from `from` to `until`. Where what is left of it begins; null when nothing is. */
  note(event: TreeEvent, from: RingId, until: RingId, now: Milliseconds): RingId | null {
    const { first, incarnation, what } = event;
    const told = this.#told(first);
    const before = told === undefined ? -1 : order(told) - order(event);
    if (before > 0) return null;
    let rest = from;
    if (told !== undefined && before === 0) {
      if (told.until === until || told.until === from || between(from, until, told.until)) return null;
      rest = told.until;
    }
    this.#age(now);
    this.#young.set(shortId(first), { incarnation, what, until });
    return rest;
  }

  #told(first: RingId): Told | undefined {
    return this.#young.get(shortId(first)) ?? this.#old.get(shortId(first));
  }

  #age(now: Milliseconds): void {
    if (now - this.#bornAt < generation && this.#young.size < maxTold) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bornAt = now;
  }
}

/** A later life outdates an earlier one, and its end its beginning. */
function order({ incarnation, what }: Pick<Told, 'incarnation' | 'what'>): number {
  return 2 * incarnation + (what === 'gone' ? 1 : 0);
}
