/**
 * How many bytes the messages about membership have on the wire. The simulator sends objects; the sizes are those of the
 * codec for hosts with one IPv4 address and fewer than 24 members (a test compares them).
 */
import type { RingAnswers, RingAsks } from '../protocol/messages.ts';

const arrivalBytes = 51;
const departureBytes = 18;

export function eventsBytes({ arrivals, departures }: RingAsks['events']): number {
  const events = arrivalBytes * arrivals.length + departureBytes * departures.length;
  return 12 + headBytes(arrivals.length) + headBytes(departures.length) + events;
}

export function snapshotBytes({ total, hosts }: RingAnswers['snapshot']): number {
  return 3 + headBytes(total) + headBytes(hosts.length) + arrivalBytes * hosts.length;
}

/** Of a number or a list's length in CBOR. */
function headBytes(value: number): number {
  if (value < 24) return 1;
  if (value < 256) return 2;
  return value < 65_536 ? 3 : 5;
}
