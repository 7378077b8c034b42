/** Settings that match the papers' simulators: v = 1, exact fingers, one ask at a time, no cache, no failure detector. */
import type { RingTimers } from '../../src/host/timers.ts';
import { calm, RingSimulation, type SimulationOptions } from '../ring-simulation.ts';

const never = 1e12;

/** No failure detector: only lookups and stabilizations discover dead hosts. */
const withoutDetector: Partial<RingTimers> = {
  pingInterval: never,
  missedPings: 1,
  outsideProbe: never,
  outsideSlowProbe: never,
  stabilizeGrid: 0,
  // The papers' lookups tolerate any number of dead nodes.
  lookupBudget: 600_000,
};

/** Nothing is repaired, and no host is declared dead. */
export const withoutRepair: Partial<RingTimers> = {
  ...withoutDetector,
  missedPings: Number.MAX_SAFE_INTEGER,
  stabilizeMinimum: never,
  stabilizeMaximum: never,
};

/** Stabilization every 15 to 45 s, drawn uniformly. */
export const papersPace: Partial<RingTimers> = {
  ...withoutDetector,
  stabilizeMinimum: 30_000,
  stabilizeMaximum: 30_000,
  stabilizeJitter: 0.5,
};

export const papersBits = 64;

export function papersRing(
  options: Partial<SimulationOptions> & { readonly seed: number; readonly successors: number },
): RingSimulation {
  return new RingSimulation({
    bits: papersBits,
    virtualNodes: 1,
    smallRings: true,
    faults: calm,
    cacheCapacity: 0,
    parallelAsks: 1,
    ...options,
  });
}
