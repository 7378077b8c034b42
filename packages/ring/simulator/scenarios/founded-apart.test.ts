/** Full restarts after which several hosts found the network again: the rings must merge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calm, RingSimulation } from '../ring-simulation.ts';

const hosts = 12;
const limit = 60_000;

for (const [name, founders, faults] of [
  ['two rings', 2, calm],
  ['four rings', 4, calm],
  ['two rings where answers take long', 2, { ...calm, minDelay: 60, maxDelay: 240 }],
] as const) {
  test(`A3 A26 ${name} of ${hosts} hosts, founded apart, are one ring [R26]`, (t) => {
    const simulation = new RingSimulation({
      seed: 1,
      bits: 256,
      successors: 16,
      virtualNodes: 20,
      smallRings: false,
      faults,
      cacheCapacity: 100_000,
      parallelAsks: 3,
    });
    const all = Array.from({ length: hosts }, () => simulation.add());
    const contacts = all.map(({ contact }) => contact);
    let open = hosts - founders;
    for (const founder of all.slice(0, founders)) {
      founder.ring.found();
      founder.ring.remember(contacts);
    }
    for (const [index, host] of all.slice(founders).entries()) {
      simulation.time.after(100 * index, () => {
        simulation.join(host, all[index % founders]!, () => {
          open -= 1;
        });
      });
    }
    while (open > 0 && simulation.time.now < limit) simulation.time.runUntil(simulation.time.now + 100);
    const joined = simulation.time.now;
    const settled = simulation.settle(limit);
    t.diagnostic(`joined after ${joined} ms, one ring ${settled} ms later, ${JSON.stringify(simulation.network.sent)}`);
    assert.equal(open, 0, 'all have joined');
    assert.notEqual(settled, null, simulation.inconsistency() ?? '');
  });
}
