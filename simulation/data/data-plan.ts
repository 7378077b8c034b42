/** The kind of network and of trouble that one seed stands for. Each seed leaves some faults out (swarm testing). */
import type { Random } from '../../src/ring/ports.ts';
import type { Faults } from '../virtual-network.ts';
import { seededRandom } from '../virtual-time.ts';

/** `pair`: two hosts at once, each with or without its disk. `rot`: flipped bits found after a restart. */
export type DataFault =
  | 'crash'
  | 'wipe'
  | 'pair'
  | 'join'
  | 'leave'
  | 'freeze'
  | 'cut'
  | 'failing-writes'
  | 'wrong-reads'
  | 'rot';

export interface DataPlan {
  readonly hosts: number;
  readonly steps: number;
  readonly faults: readonly DataFault[];
  readonly network: Faults;
  /** Chances of the schedule itself, apart from those of the network. */
  readonly random: Random;
}

const allFaults: readonly DataFault[] = [
  'crash',
  'wipe',
  'pair',
  'join',
  'leave',
  'freeze',
  'cut',
  'failing-writes',
  'wrong-reads',
  'rot',
];

export function dataPlan(seed: number): DataPlan {
  const random = seededRandom(seed ^ 0xf11e);
  const delays = [2, 20, 80];
  const maximumDelay = delays[Math.floor(random.next() * delays.length)] ?? 2;
  const faults = allFaults.filter(() => random.next() < 0.5);
  return {
    hosts: 4 + Math.floor(random.next() * 4),
    steps: 3 + Math.floor(random.next() * 4),
    faults: faults.length === 0 ? ['crash'] : faults,
    network: { minimumDelay: maximumDelay / 10, maximumDelay, loss: 0, duplication: 0 },
    random,
  };
}
