/** A settled host network with default settings, the start of a scenario. */
import { calm, RingSimulation, type SimulatedHost, type SimulationOptions } from '../ring-simulation.ts';

export const localNetwork = { ...calm, minDelay: 0.2, maxDelay: 2 };

/** Every host has 20 members and lists of 16, more of both than new networks have. */
export const hostNetwork = { bits: 64, successors: 16, virtualNodes: 20, smallRings: false, cacheCapacity: 10_000 };
/** One member per host, lists of 3. */
export const teachingRing = { bits: 64, successors: 3, virtualNodes: 1, smallRings: true, cacheCapacity: 10_000 };

export function settledRing(
  hosts: number,
  options: Partial<SimulationOptions> & { readonly seed: number },
): RingSimulation {
  const ring = new RingSimulation({ ...hostNetwork, faults: localNetwork, parallelAsks: 3, ...options });
  const founder = ring.found();
  while (ring.hosts.length < hosts) {
    ring.join(ring.add(), founder);
    ring.time.runUntil(ring.time.now + 200);
  }
  settle(ring, 10_000);
  return ring;
}

/** Virtual milliseconds until the ring is ideal; throws after `limit`. */
export function settle(ring: RingSimulation, limit: number): number {
  const took = ring.settle(limit);
  if (took === null) throw new Error(`not ideal after ${limit} ms: ${ring.inconsistency()}`);
  return took;
}

/** Restarts the host with its old identity and known peers, and joins through another host. */
export function comeBack(ring: RingSimulation, host: SimulatedHost, through: SimulatedHost): void {
  ring.start(host);
  host.ring.remember(ring.hosts.filter((h) => h !== host).map((h) => h.contact));
  ring.join(host, through);
}

/** Every running host looks up every member's id; returns the lookups that disagree with the oracle. */
export function wrongLookups(ring: RingSimulation): readonly string[] {
  const wrong: string[] = [];
  let open = 0;
  for (const { ring: asker, contact } of ring.live()) {
    for (const { me } of ring.states()) {
      open++;
      asker.lookup(me.id, (found) => {
        open--;
        if (found?.owner.id !== me.id) wrong.push(`${contact.host} found ${found?.owner.id ?? 'no one'} for ${me.id}`);
      });
    }
  }
  ring.time.runUntil(ring.time.now + 5000);
  return open > 0 ? [...wrong, `${open} lookups never ended`] : wrong;
}
