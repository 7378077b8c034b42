/** A place that lost blocks and has no room for them: the next host counts its copy, also where it was cache. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Milliseconds } from '@chordial/ring';
import { blockKey } from '../../src/content/cid.ts';
import { contentOf, cut, oneChunk } from './data-oracle.ts';
import { DataSimulation } from './data-simulation.ts';
import { Holdings } from './holdings.ts';

/** The owner compares every 30 to 60 s. */
const countedWithin: Milliseconds = 75_000;
const step: Milliseconds = 250;
const hosts = 6;

test('B4 when a place lost its copies and is full, copies kept as cache count within a round of its owner', async () => {
  const faults = { minDelay: 1, maxDelay: 20, loss: 0, duplication: 0 };
  const simulation = new DataSimulation({ seed: 1, repairs: true, faults, cut, admission: 'open', keepOwn: true });
  const holdings = new Holdings(simulation);
  const until = async (what: string, within: Milliseconds, fault: () => string | null): Promise<void> => {
    const end = simulation.now + within;
    for (let found = fault(); found !== null; found = fault()) {
      assert.ok(simulation.now < end, `not ${what}: ${found}`);
      await simulation.pass(step);
    }
  };
  while (simulation.hosts.length < hosts) {
    simulation.add();
    await until('a ring', 60_000, () => {
      if (simulation.members.length < simulation.hosts.length) return 'a host has not joined';
      return simulation.ring.inconsistency();
    });
  }
  await simulation.pass(20_000);
  const [full, ...others] = simulation.hosts;
  const standing = new Map<string, number>();
  const cids = [];
  for (let file = 0; file < 18; file++) {
    const content = await contentOf(`file ${file}`, simulation.random);
    const { files } = others[file % others.length]!.data!;
    assert.equal((await simulation.waitFor(files.put(`file ${file}`, oneChunk(content.bytes)), 30_000))?.copies, 3);
    for (const cid of content.cids) {
      standing.set(blockKey(cid), 3);
      cids.push(cid);
    }
  }
  await simulation.pass(10_000);
  assert.equal(holdings.misplaced(standing), null);
  const { blocks } = full!.disk;
  assert.ok((await blocks.delete(cids)) > 0);
  Object.assign(blocks, { quotaBytes: blocks.bytes() });
  await until('enough copies', countedWithin, () => holdings.misplaced(standing));
  simulation.close();
});
