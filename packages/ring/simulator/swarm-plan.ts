/** The network and faults of a seed. Each seed omits some faults (swarm testing). */
import type { Random } from '../src/host/ports.ts';
import { seededRandom } from '../src/testing/virtual-time.ts';
import type { SimulationOptions } from './ring-simulation.ts';

export type SwarmFault = 'crash' | 'leave' | 'partition' | 'freeze' | 'broken-link' | 'loss';

export interface SwarmPlan {
  readonly simulation: SimulationOptions;
  readonly hosts: number;
  readonly steps: number;
  readonly faults: readonly SwarmFault[];
  /** Random source of the schedule, separate from the network's. */
  readonly random: Random;
}

const allFaults: readonly SwarmFault[] = ['crash', 'leave', 'partition', 'freeze', 'broken-link', 'loss'];

const shapes = [
  // A teaching ring: one member per host, and a few hosts suffice.
  { bits: 64, virtualNodes: 1, successors: 3, smallRings: true, maxHosts: 9 },
  // The same on a ring so small that keys and finger starts often coincide with members.
  { bits: 6, virtualNodes: 1, successors: 3, smallRings: true, maxHosts: 9 },
  // Host networks: so small that lists wrap around the ring, with the defaults, and with those of the papers' tables.
  { bits: 64, virtualNodes: 5, successors: 4, smallRings: false, maxHosts: 8 },
  { bits: 64, virtualNodes: 12, successors: 8, smallRings: false, maxHosts: 6 },
  { bits: 64, virtualNodes: 20, successors: 16, smallRings: false, maxHosts: 5 },
] as const;

export function swarmPlan(seed: number): SwarmPlan {
  const random = seededRandom(seed ^ 0x5eed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)]!;
  const { maxHosts, ...shape } = pick(shapes);
  const maxDelay = pick([2, 50, 150]);
  return {
    simulation: {
      seed,
      ...shape,
      faults: { minDelay: maxDelay / 10, maxDelay, loss: 0, duplication: pick([0, 0.05]) },
      cacheCapacity: pick([0, 1000]),
      parallelAsks: pick([1, 3]),
      traced: true,
    },
    hosts: 3 + Math.floor(random.next() * (maxHosts - 2)),
    steps: 12 + Math.floor(random.next() * 12),
    faults: allFaults.filter(() => random.next() < 0.5),
    random,
  };
}
