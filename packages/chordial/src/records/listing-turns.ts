/** Pages of listings and proofs for other hosts: made in turns, and refused when too many are asked for at once. */
import type { Clock, Milliseconds } from '@chordial/ring';
import { HalfTime } from '../flow/half-time.ts';
import { TransportError } from '../network/transport.ts';

/** A host that reads a listing asks for the next page when it has the previous one. */
const maxWaitingPerAsker = 16;
const maxWaitingAskers = 256;
const turnMilliseconds: Milliseconds = 5;

/** `take` rejects with a TransportError, code `busy`, when the queue is full. */
export function listingTurns(clock: Pick<Clock, 'now' | 'after'>): HalfTime {
  const refusal = (): Error =>
    new TransportError('refused', 'Too many lists are asked for at once; ask again in a moment.', 'busy');
  return new HalfTime({ clock, turnMilliseconds, bounds: { maxWaitingPerAsker, maxWaitingAskers, refusal } });
}
