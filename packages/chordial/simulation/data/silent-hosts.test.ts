/** Reads and puts in virtual time while hosts fall silent: the cost of the protocol, independent of the machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Milliseconds } from '@chordial/ring';
import { type DataHost, DataSimulation } from './data-simulation.ts';

const hostCount = 12;
const fileCount = 24;
const readers = 4;
const betweenReads: Milliseconds = 20;
/** Long enough to detect the deaths and repair the ring. */
const watched: Milliseconds = 8000;
/** The promise is 2 s, on real and busy machines. */
const worstRead: Milliseconds = 1200;

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

async function ringWithFiles(seed: number): Promise<DataSimulation> {
  const faults = { minDelay: 1, maxDelay: 5, loss: 0, duplication: 0 };
  const simulation = new DataSimulation({ seed, repairs: true, faults });
  for (let host = 0; host < hostCount; host++) {
    simulation.add();
    await simulation.pass(500);
  }
  while (simulation.members.length < hostCount) await simulation.pass(500);
  await simulation.pass(20_000);
  for (let file = 0; file < fileCount; file++) {
    const put = simulation.hosts[file % hostCount]!.data!.files.put(
      `file ${file}`,
      bytesOf(Buffer.alloc(20_000, file)),
    );
    assert.equal((await simulation.waitFor(put, 20_000))?.copies, 3);
  }
  await simulation.pass(10_000);
  return simulation;
}

async function readOnce(host: DataHost, name: string): Promise<void> {
  const files = host.data!.files;
  const { cid } = await files.resolve({ name });
  for await (const bytes of files.read(cid)) assert.ok(bytes.length > 0);
}

for (const [how, seed] of [
  ['killed', 1],
  ['frozen', 4],
] as const)
  test(`A5 with two of ${hostCount} hosts ${how} at once no read takes longer than ${worstRead} ms, and every put succeeds`, async () => {
    const simulation = await ringWithFiles(seed);
    const victims = [simulation.hosts[3]!, simulation.hosts[7]!];
    const live = simulation.hosts.filter((host) => !victims.includes(host));
    for (const victim of victims) how === 'killed' ? simulation.crash(victim) : simulation.freeze(victim);
    const began = simulation.now;
    let [reads, puts, slowest] = [0, 0, 0];
    const pause = () =>
      new Promise<void>((resolve) => {
        simulation.ring.time.after(betweenReads, () => resolve());
      });
    const read = async (): Promise<void> => {
      while (simulation.now - began < watched) {
        const [host, file] = [live[(reads * 7) % live.length]!, (reads * 13) % fileCount];
        reads += 1;
        const since = simulation.now;
        await readOnce(host, `file ${file}`);
        slowest = Math.max(slowest, simulation.now - since);
        await pause();
      }
    };
    const put = async (): Promise<void> => {
      while (simulation.now - began < watched) {
        const { files } = live[puts % live.length]!.data!;
        const { copies } = await files.put(`new ${puts}`, bytesOf(Buffer.alloc(20_000, puts % 256)));
        assert.ok(copies >= 2);
        puts += 1;
        await pause();
      }
    };
    const work = Promise.all([put(), ...Array.from({ length: readers }, read)]);
    await simulation.waitFor(work, watched + 20_000);
    await work;
    simulation.close();
    assert.ok(reads > 100 && puts > 10, `only ${reads} reads and ${puts} puts`);
    assert.ok(slowest < worstRead, `the slowest of ${reads} reads took ${slowest.toFixed(0)} ms`);
  });
