import type { RingSimulation } from './ring-simulation.ts';

/** Runs the action at random moments, `perSecond` times per virtual second, until the end. */
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
