/** Whether a put's claims still hold, by what its publisher's entry for the name says (spec/4, Who may delete). */

import type { Milliseconds } from '@chordial/ring';
import type { PublisherEntry } from '../records/publisher-entry.ts';
import type { KnownPut } from '../storage/claim-table.ts';

/** A put that did not commit so long after its last block is over, whatever its publisher says. */
export const uncommittedMilliseconds: Milliseconds = 24 * 3600 * 1000;
/** So long the publisher of a put that did not commit may be silent … */
export const silentMilliseconds: Milliseconds = 30_000;
/** … and so long where too few hosts are there to tell whether it did: then no one can say that it committed either. */
export const silentAloneMilliseconds: Milliseconds = 40_000;
/** Tombstones live so long: a committed name that was absent for longer may have been ended unseen. */
export const forgottenMilliseconds: Milliseconds = 90 * 24 * 3600 * 1000;

/** `keep`: not known better than before. `confirm`: the entry is this put's. */
export type Verdict = 'keep' | 'confirm' | 'drop';

/** What the publisher said of a put when it was asked: that it ended without being committed; nothing; or it was not asked. */
export type Sign = 'over' | 'silent' | 'unasked';

/** @param upFor how long this host has been there to hear its publisher */
export function verdictOn(
  put: Pick<KnownPut, 'sequence' | 'added' | 'heard' | 'confirmed'>,
  word: PublisherEntry,
  now: Milliseconds,
  { sign = 'unasked', upFor = 0 }: { readonly sign?: Sign; readonly upFor?: Milliseconds } = {},
): Verdict {
  if (word.kind === 'entry' && word.sequence > put.sequence) return 'drop';
  if (word.kind === 'entry' && word.sequence === put.sequence) return word.current ? 'confirm' : 'drop';
  const isUnknown = word.kind === 'unknown';
  // Committed, and not found now: an older entry may come from a host that was away. One that is there for so long is right:
  // this put's sequence came from a wrong clock.
  if (put.confirmed !== null) return !isUnknown && now - put.confirmed >= forgottenMilliseconds ? 'drop' : 'keep';
  if (sign === 'over') return 'drop';
  const silent = isUnknown ? silentAloneMilliseconds : silentMilliseconds;
  if (sign === 'silent' && Math.min(now - Math.max(put.added, put.heard), upFor) >= silent) return 'drop';
  return !isUnknown && now - put.added >= uncommittedMilliseconds ? 'drop' : 'keep';
}
