import type { RingSimulation } from './ring-simulation.ts';

/** Something that happens at random moments, `perSecond` times a second of virtual time, until then. */
export function poisson({ time, random }: RingSimulation, perSecond: number, until: number, happen: () => void): void {
  const wait = (): void => {
    time.after((-Math.log(1 - random.next()) * 1000) / perSecond, () => {
      if (time.now >= until) return;
      happen();
      wait();
    });
  };
  wait();
}
