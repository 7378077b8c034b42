/** A clock that a test turns by hand, and chances from a seed. */

import type { Clock, Milliseconds, Random } from '../host/ports.ts';
import type { RingId } from '../protocol/identifier.ts';
import type { Contact, HostId, MemberPointer } from '../protocol/pointer.ts';
import { Process } from './process.ts';
import { seededRandom, VirtualTime } from './virtual-time.ts';

export interface VirtualClock {
  readonly clock: Clock;
  readonly random: Random;
  /** Lets so much time pass. */
  pass(time: Milliseconds): void;
}

export function virtualClock(seed = 1): VirtualClock {
  const time = new VirtualTime();
  return {
    clock: time.clock(new Process()),
    random: seededRandom(seed),
    pass: (duration) => time.runUntil(time.now + duration),
  };
}

export function contactOf(name: string): Contact {
  return { host: name as HostId, addresses: [`${name}:1`] };
}

/** The member at `id` (hexadecimal) of a host of that name, or of a host of its own. */
export function memberAt(id: string, host = `host-${id}`): MemberPointer {
  return { id: id as RingId, contact: contactOf(host), index: 0 };
}
