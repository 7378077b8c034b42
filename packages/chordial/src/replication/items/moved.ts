import type { Contact } from '@chordial/ring';
import { TransportError } from '../../network/transport.ts';
import type { DataPorts } from '../data-ports.ts';

/**
 * Outcome of one transfer. `full`: there is no room, which may change. `unclaimed`: gone here or no longer wanted; moved
 * between hosts that free it at different times, it would circulate for ever.
 */
export type Moved = 'moved' | 'full' | 'failed' | 'unclaimed';

/** Whether a place holds an item. `full`: it has no room, which may change; nothing to do soon. */
export type Held = 'held' | 'not-held' | 'full';

/** What `push` of one small item comes to. */
export function movedOf(pushed: number | null): Moved {
  return pushed === null ? 'failed' : pushed === 0 ? 'unclaimed' : 'moved';
}

/** A failure, at the host or on the own disk, affects these items alone; a later round tries again. */
export function reportFailure({ report }: Pick<DataPorts, 'report'>, host: Contact, error: unknown): void {
  const isSilent = error instanceof TransportError && error.failure !== 'refused';
  report?.(isSilent ? 'no-answer' : 'refused', host, (error as Error).message);
}
