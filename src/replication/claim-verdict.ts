/** Whether a put's claims still hold, by what its publisher's entry for the name says (spec/4, Who may delete). */
import type { PublisherWord } from '../records/publisher-word.ts';
import type { Milliseconds } from '../ring/ports.ts';
import type { KnownPut } from '../storage/claim-table.ts';

/** A put that did not commit so long after its last block is over. */
export const uncommittedMilliseconds: Milliseconds = 24 * 3600 * 1000;
/** Tombstones live so long: a committed name that was absent for longer may have been ended unseen. */
export const forgottenMilliseconds: Milliseconds = 90 * 24 * 3600 * 1000;

/** `keep`: not known better than before. `confirm`: the entry is this put's. */
export type Verdict = 'keep' | 'confirm' | 'drop';

export function verdictOn(
  put: Pick<KnownPut, 'sequence' | 'added' | 'confirmed'>,
  word: PublisherWord,
  now: Milliseconds,
): Verdict {
  if (word.kind === 'unknown') return 'keep';
  if (word.kind === 'entry' && word.sequence > put.sequence) return 'drop';
  if (word.kind === 'entry' && word.sequence === put.sequence) return word.current ? 'confirm' : 'drop';
  // Not committed, or committed and not found now: an older entry may come from a host that was away. One that is there for so long
  // is right: this put's sequence came from a wrong clock.
  const isOver =
    put.confirmed === null ? now - put.added >= uncommittedMilliseconds : now - put.confirmed >= forgottenMilliseconds;
  return isOver ? 'drop' : 'keep';
}
