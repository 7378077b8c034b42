/** Rounds of repair that take longer than the pause between them, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataSimulation } from './data-simulation.ts';
import { Holdings } from './holdings.ts';

const hostCount = 6;
const fileCount = 30;
const quick = { minDelay: 1, maxDelay: 5, loss: 0, duplication: 0 };
/** One way. A comparison alone takes several round trips. */
const slow = { ...quick, minDelay: 700, maxDelay: 900 };

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

test('A5 A8 with round trips over a second all copies are restored after a death', async () => {
  const simulation = new DataSimulation({ seed: 3, repairs: true, faults: quick });
  for (let host = 0; host < hostCount; host++) {
    simulation.add();
    await simulation.pass(500);
  }
  await simulation.pass(20_000);
  for (let file = 0; file < fileCount; file++) {
    const put = simulation.hosts[file % hostCount]!.data!.files.put(`file ${file}`, bytesOf(Buffer.alloc(3000, file)));
    assert.equal((await simulation.waitFor(put, 20_000))?.copies, 3);
  }
  await simulation.pass(10_000);
  simulation.ring.network.faults = slow;
  await simulation.pass(60_000);
  simulation.crash(simulation.hosts[2]!);
  const holdings = new Holdings(simulation);
  const lacking = (): number => {
    const counts = [...holdings.allBlocks().values()].map((hosts) => hosts.length);
    return counts.filter((count) => count < 3).length;
  };
  await simulation.pass(5000);
  assert.ok(lacking() > 0);
  const began = simulation.now;
  while (lacking() > 0 && simulation.now - began < 240_000) await simulation.pass(1000);
  assert.equal(lacking(), 0, `${lacking()} blocks still have too few copies after 240 s`);
  simulation.close();
});
