/** What hosts know of the zones of others, through restarts in other zones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '../../src/protocol/pointer.ts';
import type { RingSimulation, SimulatedHost } from '../ring-simulation.ts';
import { hostNetwork, settle, settledRing } from './host-ring.ts';

const contactOf = (number: number, zone: string): Contact => ({
  host: `host-${number}` as HostId,
  addresses: [`10.0.0.1:${number}`],
  zone,
});

/** Pointers in the states of live members that name another zone than their host does. */
function wrongZones(ring: RingSimulation): readonly string[] {
  const zones = new Map(ring.live().map(({ contact }) => [contact.host, contact.zone]));
  return ring
    .live()
    .flatMap(({ contact, ring: host }) =>
      host
        .states()
        .flatMap(({ predecessor, successors }) =>
          [predecessor, ...successors]
            .filter((one) => one.contact !== null && one.contact.zone !== zones.get(one.contact.host))
            .map((one) => `${contact.host} takes ${one.contact?.host} to be in ${one.contact?.zone}`),
        ),
    );
}

function restartIn(ring: RingSimulation, host: SimulatedHost, zone: string): void {
  ring.crash(host);
  ring.time.runUntil(ring.time.now + 500);
  ring.start(host, { ...host.contact, zone });
  host.ring.remember(ring.hosts.filter((other) => other !== host).map(({ contact }) => contact));
  ring.join(host, ring.hosts.find((other) => other !== host)!);
}

for (const gossip of [true, false])
  test(`who restarts in another zone is known there wherever a pointer leads to it (${gossip ? 'with' : 'without'} news)`, () => {
    const options = { ...hostNetwork, successors: 4, virtualNodes: 5, ...(gossip ? {} : { cacheCapacity: 0 }) };
    const ring = settledRing(12, {
      ...options,
      seed: 7,
      contactOf: (number) => contactOf(number, `zone-${number % 3}`),
    });
    assert.deepEqual(wrongZones(ring), []);
    for (const [number, zone] of [
      [3, 'zone-1'],
      [4, 'zone-new'],
      [3, 'zone-2'],
    ] as const) {
      restartIn(ring, ring.hosts[number]!, zone);
      settle(ring, 30_000);
      ring.time.runUntil(ring.time.now + 60_000);
      assert.deepEqual(wrongZones(ring), []);
    }
  });
