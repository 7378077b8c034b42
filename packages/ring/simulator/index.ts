/** Exports for the simulations and benchmarks of this repository; not part of the published package. */
export { mean, randomKey, someMember } from './asking.ts';
export { type Measured, measuredText, quantile } from './measured.ts';
export { type CacheScale, cacheTable } from './papers/cache.ts';
export { churnTable } from './papers/churn.ts';
export { hopsTable } from './papers/hops.ts';
export { massiveFailuresTable } from './papers/massive-failures.ts';
export { load, sources } from './papers/published.ts';
export { atMost, bound, type PaperRow, type PaperTable, shown, tableText, within } from './papers/row.ts';
export { papersBits } from './papers/settings.ts';
export { poisson } from './poisson.ts';
export { placeNotBefore } from './ring-order.ts';
export { calm, RingSimulation, type SimulatedHost, type SimulationOptions } from './ring-simulation.ts';
export { addSettled } from './settled-ring.ts';
export { runSwarm } from './swarm.ts';
