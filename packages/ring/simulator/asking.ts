/** Lookups of random keys by random hosts, spread evenly over virtual time, and their results. */
import type { RingId } from '../src/protocol/identifier.ts';
import type { Process } from '../src/testing/process.ts';
import type { RingSimulation, SimulatedHost } from './ring-simulation.ts';

export interface Asked {
  readonly lookups: number;
  /** Nodes that answered each successful lookup, the owner included. */
  readonly hops: readonly number[];
  readonly timeouts: number;
  /** Unanswered, or answered with a member that owned the key neither at the question nor at the answer. */
  readonly failures: number;
  /** Failures answered with a former owner: a newcomer had just taken the key over. */
  readonly wrongOwners: number;
  /** Not failures: the asker crashed before the answer. */
  readonly abandoned: number;
}

/** Virtual milliseconds allowed for slow answers after the last lookup. */
const lastAnswers = 60_000;

/** Runs the simulation for `milliseconds` and a little more. Hosts do not look up keys of their own. */
export function ask(ring: RingSimulation, lookups: number, milliseconds: number): Asked {
  const hops: number[] = [];
  let [timeouts, failures, wrongOwners] = [0, 0, 0];
  /** Askers by number of the lookup. */
  const open = new Map<number, Process>();
  const from = ring.time.now;
  for (let i = 1; i <= lookups; i++) {
    ring.time.runUntil(from + (milliseconds * i) / lookups);
    const { host, key } = question(ring);
    const ownerBefore = ring.ownerOf(key).id;
    open.set(i, host.process);
    host.ring.lookup(key, (found) => {
      open.delete(i);
      timeouts += found?.timeouts ?? 0;
      const isRight = found !== null && [ownerBefore, ring.ownerOf(key).id].includes(found.owner.id);
      if (isRight) hops.push(found.hops);
      else failures++;
      if (found !== null && !isRight) wrongOwners++;
    });
  }
  const end = ring.time.now + lastAnswers;
  const unanswered = () => [...open.values()].filter(({ isRunning }) => isRunning).length;
  while (unanswered() > 0 && ring.time.now < end) ring.time.runUntil(ring.time.now + 100);
  failures += unanswered();
  return { lookups, hops, timeouts, failures, wrongOwners, abandoned: lookups - hops.length - failures };
}

function question(ring: RingSimulation): { readonly host: SimulatedHost; readonly key: RingId } {
  for (;;) {
    const host = someMember(ring);
    const key = randomKey(ring);
    if (ring.ownerOf(key).contact.host !== host.contact.host) return { host, key };
  }
}

/** A running host that has members; one that is still joining does not ask. */
export function someMember({ hosts, random }: RingSimulation): SimulatedHost {
  for (;;) {
    const host = hosts[Math.floor(random.next() * hosts.length)]!;
    if (host.process.isRunning && host.ring.states().length > 0) return host;
  }
}

export function randomKey({ random, shape }: RingSimulation): RingId {
  let value = 0n;
  for (let bit = 0; bit < shape.bits; bit++) value = (value << 1n) | (random.next() < 0.5 ? 0n : 1n);
  return value.toString(16).padStart(Math.ceil(shape.bits / 4), '0') as RingId;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
