/** Reads a key at its places, in rounds while the ring is being repaired or hosts are still receiving their share. */

import { type Contact, type RingId, ringIdOfHash } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { CopyRule } from './durable-copies.ts';
import type { RecordKey } from './record-keys.ts';
import type { RecordPorts } from './record-ports.ts';
import { type Answers, type ReplicaQuestion, ReplicaRead } from './replica-read.ts';

/** Places are looked up again after a pause while hosts do not answer: the ring is being repaired. */
const maxRounds = 4;
/** The same while hosts are still receiving their share. */
const maxUnknownRounds = 12;
const pauseMilliseconds = 300;

export type ReadingPorts = Pick<RecordPorts, 'view' | 'clock' | 'unresponsivePeers' | 'rule' | 'places' | 'placement'>;

interface PlaceQuestion<Kept> extends ReplicaQuestion<Kept> {
  /** Hosts asked when the places have nothing; all unless given. */
  readonly maxHosts?: number;
}

/**
 * Sets of the hosts asked, one each; all empty when it is absent. Rejects with `no-live-source` when that cannot be
 * decided.
 */
export async function readPlaces<Kept>(
  key: RecordKey,
  ports: ReadingPorts,
  question: PlaceQuestion<Kept>,
): Promise<readonly (readonly Kept[])[]> {
  const { rule, placement, places, clock } = ports;
  let answers: Answers<Kept> = { sets: [], failures: 0, sure: 0, unsure: 0 };
  for (let round = 1; round <= (answers.unsure > 0 ? maxUnknownRounds : maxRounds); round++) {
    const { hosts, isConfirmed } = await hostsOf(ringIdOfHash(key, places.bits), round === 1, ports);
    answers = await new ReplicaRead(hosts.slice(0, question.maxHosts), rule.replicas, ports, question).run();
    const isFound = answers.sets.some((set) => set.length > 0);
    if (isFound || (isConfirmed && answers.failures === 0 && isSure(answers, rule))) return answers.sets;
    placement.clear();
    await new Promise<void>((resolve) => clock.after(pauseMilliseconds, resolve));
  }
  if (answers.sets.length >= rule.replicas && isSure(answers, rule)) return answers.sets;
  throw new ChordialError(
    'no-live-source',
    `${answers.failures} peers that may know it did not answer, and ${answers.unsure} do not know yet all that belongs to them, so it cannot be said whether it is there. Try again in a moment.`,
  );
}

/** First the likely holders; the owner is awaited only when they do not have it. */
async function hostsOf(
  key: RingId,
  isFirst: boolean,
  { view, placement, rule }: ReadingPorts,
): Promise<{ readonly hosts: readonly Contact[]; readonly isConfirmed: boolean }> {
  try {
    if (isFirst) return await placement.likely(key, rule.replicas);
    return { hosts: await placement.candidates(key, rule.replicas), isConfirmed: true };
  } catch (error) {
    // Without a known owner (the ring is being repaired) any host may have it.
    if (!(error instanceof ChordialError)) throw error;
    return { hosts: view.hosts(), isConfirmed: true };
  }
}

/**
 * Whether empty answers mean absent. What was acknowledged is on w of the r places, so any r − w + 1 authoritative ones
 * include one that has it; in a ring of fewer hosts all must answer.
 */
function isSure({ sure, unsure }: Answers<unknown>, { replicas, writeQuorum }: CopyRule): boolean {
  return unsure === 0 || sure >= replicas - writeQuorum + 1;
}
