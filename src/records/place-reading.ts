/** Reads a key at its places, in rounds while the ring is being repaired or hosts are still being given their share. */

import { type Contact, type RingId, ringIdOfHash } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { CopyRule } from './durable-copies.ts';
import type { RecordKey } from './record-keys.ts';
import type { RecordPorts } from './record-ports.ts';
import { type Answer, type Answers, Asking } from './replica-read.ts';

/** Places are looked up again after a pause while hosts do not answer: the ring is being repaired. */
const maxRounds = 4;
/** The same while hosts are still being given their share. */
const maxUnknownRounds = 12;
const pauseMilliseconds = 300;

export interface ReadingPorts extends Pick<RecordPorts, 'view' | 'clock' | 'unresponsivePeers' | 'rule' | 'places'> {
  readonly placement: Pick<RecordPorts['placement'], 'likely' | 'candidates' | 'clear'>;
}

/**
 * What the hosts asked have, one set each; none with anything in it when it is absent. Rejects with `no-live-source` when
 * no one can tell.
 * @param maxHosts asked when the places have nothing to say
 */
export async function readPlaces<Kept>(
  key: RecordKey,
  ports: ReadingPorts,
  ask: (host: Contact) => Promise<Answer<Kept>>,
  fingerprint: (entries: readonly Kept[]) => string,
  maxHosts = Number.POSITIVE_INFINITY,
): Promise<readonly (readonly Kept[])[]> {
  const { rule, placement, places, clock } = ports;
  let answers: Answers<Kept> = { sets: [], failures: 0, sure: 0, unsure: 0 };
  for (let round = 1; round <= (answers.unsure > 0 ? maxUnknownRounds : maxRounds); round++) {
    const { hosts, isConfirmed } = await hostsOf(ringIdOfHash(key, places.bits), round === 1, ports);
    answers = await new Asking(hosts.slice(0, maxHosts), rule.replicas, ports, ask, fingerprint).run();
    const isFound = answers.sets.some((set) => set.length > 0);
    if (isFound || (isConfirmed && answers.failures === 0 && isSure(answers, rule))) return answers.sets;
    placement.clear();
    await new Promise<void>((resolve) => clock.after(pauseMilliseconds, resolve));
  }
  if (answers.sets.length >= rule.replicas && isSure(answers, rule)) return answers.sets;
  throw new ChordialError(
    'no-live-source',
    `${answers.failures} peers that may know it did not answer, and ${answers.unsure} are still being given their share, so it cannot be said whether it is there. Try again in a moment.`,
  );
}

/** At first those who probably have it; who owns it is waited for only when they do not. */
async function hostsOf(
  key: RingId,
  isFirst: boolean,
  { view, placement, rule }: ReadingPorts,
): Promise<{ readonly hosts: readonly Contact[]; readonly isConfirmed: boolean }> {
  try {
    if (isFirst) return await placement.likely(key, rule.replicas);
    return { hosts: await placement.candidates(key, rule.replicas), isConfirmed: true };
  } catch (error) {
    // Without a known owner (the ring is being repaired) everybody may have it.
    if (!(error instanceof ChordialError)) throw error;
    return { hosts: view.hosts(), isConfirmed: true };
  }
}

/**
 * Whether nothing means absent. What was acknowledged is on w of the r places, so any r − w + 1 that know of all their
 * share know of it; in a ring of fewer hosts all of them must.
 */
function isSure({ sure, unsure }: Answers<unknown>, { replicas, writeQuorum }: CopyRule): boolean {
  return unsure === 0 || sure >= replicas - writeQuorum + 1;
}
