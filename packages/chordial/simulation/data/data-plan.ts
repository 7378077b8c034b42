/** The network and faults of a seed. Each seed omits some faults (swarm testing). */
import type { Random } from '@chordial/ring';
import { type Faults, seededRandom } from '@chordial/ring/testing';

/**
 * `pair`: two hosts at once, each with or without its disk. `stop`: a temporary stop, announced. `halves`: a partition into
 * two. `full`: a full disk. `rot`: flipped bits found after a restart.
 * `remove`: a member is removed and continues regardless; `remove-apart`: the same during a partition.
 */
export const allFaults = [
  'crash',
  'wipe',
  'pair',
  'stop',
  'join',
  'leave',
  'freeze',
  'cut',
  'halves',
  'failing-writes',
  'wrong-reads',
  'full',
  'rot',
  'remove',
  'remove-apart',
] as const;
/** In networks with zones. `zone`: all hosts of one zone at once, each with or without its disk; `other-zone`: a host restarts in another. */
const zoneFaults = ['zone', 'other-zone'] as const;
/** Where hosts hide: all relays of one end at once. */
const hiddenFaults = ['relays'] as const;
export type DataFault = (typeof allFaults)[number] | (typeof zoneFaults)[number] | (typeof hiddenFaults)[number];

export interface DataPlan {
  readonly hosts: number;
  readonly steps: number;
  readonly faults: readonly DataFault[];
  readonly network: Faults;
  /** Quota of host number i in bytes; those beyond the list have none. */
  readonly quotas: readonly number[];
  /** In an open network no host is known for long enough, so excess copies stay as cache. */
  readonly admission: 'classroom' | 'open';
  readonly keepOwn: boolean;
  /** Zone of host number i. */
  readonly zoneOf: (number: number) => string | null;
  /** Whether host number i is behind a router: others reach it only through hosts that are not. */
  readonly isHidden: (number: number) => boolean;
  /** A day passes at the end, after which no unclaimed block may remain. */
  readonly collects: boolean;
  /** Random source of the schedule, separate from the network's. */
  readonly random: Random;
}

const smallQuotaBytes = 6000;
const zones = 3;
/** Where hosts hide, one of so many does; the first never. */
const hostsPerHidden = 3;

export function dataPlan(seed: number): DataPlan {
  const random = seededRandom(seed ^ 0xf11e);
  const chance = (probability: number): boolean => random.next() < probability;
  const delays = [2, 20, 80];
  const maxDelay = delays[Math.floor(random.next() * delays.length)] ?? 2;
  const faults: DataFault[] = allFaults.filter(() => chance(0.4));
  const unreliable = chance(0.3);
  const hosts = 4 + Math.floor(random.next() * 4);
  // A third of the seeds; what the others do does not depend on it.
  const isZoned = [2, 3].includes(seed % 6);
  const unzoned = isZoned && seed % 12 < 6 ? seed % hosts : null;
  if (isZoned) faults.push(...zoneFaults);
  // Another third.
  const hides = [1, 4].includes(seed % 6);
  if (hides) faults.push(...hiddenFaults);
  return {
    isHidden: (number) => hides && number % hostsPerHidden === 1,
    zoneOf: (number) => (isZoned && number !== unzoned ? `zone-${number % zones}` : null),
    hosts: isZoned ? Math.max(hosts, 2 * zones) : hosts,
    steps: 2 + Math.floor(random.next() * 3),
    faults: faults.length === 0 ? ['crash'] : faults,
    network: {
      minDelay: maxDelay / 10,
      maxDelay,
      loss: unreliable ? 0.02 * random.next() : 0,
      duplication: unreliable ? 0.05 * random.next() : 0,
    },
    // At least r hosts have space for everything.
    quotas: chance(0.25) ? Array.from({ length: Math.min(2, hosts - 3) }, () => smallQuotaBytes) : [],
    collects: chance(0.25),
    admission: chance(0.3) ? 'open' : 'classroom',
    keepOwn: chance(0.3),
    random,
  };
}
