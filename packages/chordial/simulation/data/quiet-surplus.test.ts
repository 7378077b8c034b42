/** How soon excess copies of blocks and names are dropped, in virtual time, whichever host joins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Milliseconds, ringIdOfHash } from '@chordial/ring';
import { blockKey } from '../../src/content/cid.ts';
import { contentOf, cut, oneChunk } from './data-oracle.ts';
import { copyRule, DataSimulation, ringBits } from './data-simulation.ts';
import { Holdings } from './holdings.ts';

/** Since the last change of the ring. */
const goneWithin: Milliseconds = 3000;
/** Rounds of owners over all their arcs come every 30 to 60 s. */
const goneUnheardWithin: Milliseconds = 75_000;
const step: Milliseconds = 50;
const joinPatience: Milliseconds = 60_000;

for (const [what, hosts, joiners] of [
  ['one host joins', 4, 1],
  ['three hosts join', 5, 3],
] as const)
  test(`C1 when ${what} what has no place any more goes within ${goneWithin / 1000} s of quiet, names like blocks`, async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const faults = { minDelay: 1, maxDelay: 20, loss: 0, duplication: 0 };
      const simulation = new DataSimulation({ seed, repairs: true, faults, cut });
      const holdings = new Holdings(simulation);
      let lastChange = 0;
      const joined = async (): Promise<void> => {
        simulation.add();
        const end = simulation.now + joinPatience;
        while (simulation.members.length < simulation.hosts.length || simulation.ring.inconsistency() !== null) {
          assert.ok(simulation.now < end, 'no ring');
          await simulation.pass(step);
        }
      };
      while (simulation.hosts.length < hosts) await joined();
      await simulation.pass(20_000);
      const standing = new Map<string, number>();
      for (let file = 0; file < 12; file++) {
        const name = `file ${file}`;
        const content = await contentOf(name, simulation.random);
        const { files } = simulation.hosts[file % hosts]!.data!;
        assert.equal((await simulation.waitFor(files.put(name, oneChunk(content.bytes)), 30_000))?.copies, 3);
        for (const cid of content.cids) standing.set(blockKey(cid), 3);
      }
      await simulation.pass(10_000);
      assert.equal(holdings.misplaced(standing), null);
      for (let joiner = 0; joiner < joiners; joiner++) await joined();
      lastChange = simulation.now;
      for (const host of simulation.hosts) {
        const told = host.changed;
        host.changed = () => {
          lastChange = simulation.now;
          told();
        };
      }
      let fault = holdings.misplaced(standing);
      while (fault !== null) {
        const quiet = simulation.now - lastChange;
        assert.ok(quiet <= goneWithin, `seed ${seed}: ${quiet} ms after the last change ${fault}`);
        await simulation.pass(step);
        fault = holdings.misplaced(standing);
      }
      simulation.close();
    }
  });

test('C1 a host that is told of no change, and has just looked up the old places, gives up what has moved on', async () => {
  const faults = { minDelay: 1, maxDelay: 20, loss: 0, duplication: 0 };
  const simulation = new DataSimulation({ seed: 1, repairs: true, faults, cut });
  const holdings = new Holdings(simulation);
  let lookUp = (): void => undefined;
  const join = async (): Promise<void> => {
    simulation.add();
    const end = simulation.now + joinPatience;
    while (simulation.members.length < simulation.hosts.length || simulation.ring.inconsistency() !== null) {
      assert.ok(simulation.now < end, 'no ring');
      await simulation.pass(step);
      lookUp();
    }
  };
  while (simulation.hosts.length < 6) await join();
  await simulation.pass(20_000);
  const standing = new Map<string, number>();
  for (let file = 0; file < 12; file++) {
    const content = await contentOf(`file ${file}`, simulation.random);
    const { files } = simulation.hosts[file % 6]!.data!;
    assert.equal((await simulation.waitFor(files.put(`file ${file}`, oneChunk(content.bytes)), 30_000))?.copies, 3);
    for (const cid of content.cids) standing.set(blockKey(cid), 3);
  }
  // Long enough for every owner to confirm its arcs.
  await simulation.pass(60_000);
  assert.equal(holdings.misplaced(standing), null);
  const before = [...simulation.hosts];
  for (const host of before) host.changed = () => undefined;
  lookUp = () => {
    for (const { data } of before)
      for (const key of standing.keys())
        void data!.placement.places(ringIdOfHash(key, ringBits), copyRule.replicas).catch(() => undefined);
  };
  await join();
  const end = simulation.now + goneUnheardWithin;
  for (let fault = holdings.misplaced(standing); fault !== null; fault = holdings.misplaced(standing)) {
    assert.ok(simulation.now < end, fault);
    await simulation.pass(step);
  }
  simulation.close();
});
