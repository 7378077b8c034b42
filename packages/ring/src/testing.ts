/** A network in memory and a clock in virtual time: rings of many hosts in one process, where one seed gives one run. */
export { eventsBytes, snapshotBytes } from './testing/payload.ts';
export { Process } from './testing/process.ts';
export { Trace } from './testing/trace.ts';
export { contactOf, memberAt, type VirtualClock, virtualClock } from './testing/virtual-clock.ts';
export { type Faults, type VirtualHost, VirtualNetwork } from './testing/virtual-network.ts';
export { seededRandom, VirtualTime } from './testing/virtual-time.ts';
