/** Whether a put's claims still hold, according to its publisher's entry of the name (spec/4, Who may delete). */

import type { Milliseconds } from '@chordial/ring';
import type { PublisherEntry } from '../records/publisher-entry.ts';
import type { KnownPut } from '../storage/claim-table.ts';

/** A put that did not commit for this long after its last block has ended, whatever its publisher says. */
export const uncommittedMilliseconds: Milliseconds = 24 * 3600 * 1000;
/** How long the publisher of an uncommitted put may be silent … */
export const silentMilliseconds: Milliseconds = 30_000;
/** … and how long when too few hosts are present to tell whether it committed. */
export const silentAloneMilliseconds: Milliseconds = 40_000;
/** Tombstones are kept this long: a committed name absent for longer may have been ended unnoticed. */
export const forgottenMilliseconds: Milliseconds = 90 * 24 * 3600 * 1000;

/** `keep`: nothing new is known. `confirm`: the entry is this put's. */
export type Verdict = 'keep' | 'confirm' | 'drop';

/** The publisher's answer about a put: ended without commit; no answer; or not asked. */
export type Sign = 'over' | 'silent' | 'unasked';

/** @param upFor how long this host has been running and could hear its publisher */
export function verdictOn(
  put: Pick<KnownPut, 'sequence' | 'added' | 'heard' | 'confirmed'>,
  word: PublisherEntry,
  now: Milliseconds,
  { sign = 'unasked', upFor = 0 }: { readonly sign?: Sign; readonly upFor?: Milliseconds } = {},
): Verdict {
  if (word.kind === 'entry' && word.sequence > put.sequence) return 'drop';
  if (word.kind === 'entry' && word.sequence === put.sequence) return word.current ? 'confirm' : 'drop';
  const isUnknown = word.kind === 'unknown';
  // Committed, and not found now: an older entry may come from a host that was away. One that has been present this
  // long is right: this put's sequence came from a wrong clock.
  if (put.confirmed !== null) return !isUnknown && now - put.confirmed >= forgottenMilliseconds ? 'drop' : 'keep';
  if (sign === 'over') return 'drop';
  const silent = isUnknown ? silentAloneMilliseconds : silentMilliseconds;
  if (sign === 'silent' && Math.min(now - Math.max(put.added, put.heard), upFor) >= silent) return 'drop';
  return !isUnknown && now - put.added >= uncommittedMilliseconds ? 'drop' : 'keep';
}
