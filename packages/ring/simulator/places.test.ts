/** Hosts that take places on the ring although their certificates allow none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '../src/protocol/pointer.ts';
import { calm, RingSimulation, type SimulatedHost } from './ring-simulation.ts';

const rogue = 'host-3' as HostId;

function scene() {
  const knows = new Set<HostId>();
  const simulation = new RingSimulation({
    seed: 7,
    bits: 64,
    successors: 8,
    virtualNodes: 12,
    smallRings: false,
    faults: calm,
    cacheCapacity: 10_000,
    parallelAsks: 3,
    // The rogue host skips the check.
    mayBeMember: (by, host) => host !== rogue || by === rogue || !knows.has(by),
  });
  const founder = simulation.found();
  const add = (): SimulatedHost => {
    const host = simulation.add();
    simulation.join(host, founder);
    simulation.time.runUntil(simulation.time.now + 20_000);
    return host;
  };
  const honest = [founder, add(), add()];
  const learn = (): void => {
    for (const { contact, ring } of honest) {
      knows.add(contact.host);
      ring.dropPlaces([rogue]);
    }
  };
  const pointsToRogue = () =>
    honest.filter(
      ({ ring }) =>
        ring.isNeighbour(rogue) ||
        ring.members().some(({ contact }) => contact.host === rogue) ||
        ring.hostsWithPlaces().some(({ host }) => host === rogue) ||
        ring.liveHosts().some(({ host }) => host === rogue),
    );
  return { simulation, honest, add, learn, pointsToRogue };
}

test('a host without the right to store takes places, and no other host points to it', () => {
  const { simulation, honest, add, learn, pointsToRogue } = scene();
  learn();
  const host = add();
  assert.equal(host.contact.host, rogue);
  assert.deepEqual(pointsToRogue(), []);
  simulation.crash(host);
  assert.equal(simulation.inconsistency(), null);
  assert.deepEqual(
    honest.map(({ ring }) => ring.isDown(rogue)),
    honest.map(() => false),
    'it is a member of the network all the same',
  );
});

test('a host loses its places once its certificate is known', () => {
  const { simulation, add, learn, pointsToRogue } = scene();
  const host = add();
  assert.equal(simulation.inconsistency(), null);
  assert.equal(pointsToRogue().length, 3);
  learn();
  simulation.time.runUntil(simulation.time.now + 20_000);
  assert.deepEqual(pointsToRogue(), []);
  // The oracle ignores its states.
  simulation.crash(host);
  assert.equal(simulation.inconsistency(), null);
  const key = host.members[0]!.id;
  let owner: HostId | undefined;
  simulation.live()[0]!.ring.lookup(key, (found) => {
    owner = found?.owner.contact.host;
  });
  simulation.time.runUntil(simulation.time.now + 5000);
  assert.equal(owner, simulation.ownerOf(key).contact.host);
});

test('a host that joins while another takes forbidden places finds its place among the rest', () => {
  const { simulation, honest, add, learn, pointsToRogue } = scene();
  learn();
  const host = add();
  const late = simulation.add();
  honest.push(late);
  learn();
  simulation.join(late, simulation.hosts[1]!);
  simulation.time.runUntil(simulation.time.now + 20_000);
  assert.deepEqual(pointsToRogue(), []);
  simulation.crash(host);
  simulation.time.runUntil(simulation.time.now + 20_000);
  assert.equal(simulation.inconsistency(), null);
});
