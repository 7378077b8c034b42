/** Hosts that claim to hold everything and keep nothing, among honest ones, in virtual time: nothing is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Milliseconds } from '@chordial/ring';
import { type Content, contentOf, cut, oneChunk } from './data-oracle.ts';
import { DataSimulation } from './data-simulation.ts';

const honestHosts = 4;
const files = 10;
const liarsStay: Milliseconds = 60_000;
const patience: Milliseconds = 60_000;
const readPatience: Milliseconds = 20_000;

/** As many as copies, so that they have all places of some blocks and names. */
const liars = 4;

for (const admission of ['classroom', 'open'] as const)
  test(`C1 ${liars} liars that come and go among ${honestHosts} hosts cost no acknowledged file (${admission})`, async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const faults = { minDelay: 1, maxDelay: 20, loss: 0, duplication: 0 };
      const simulation = new DataSimulation({ seed, repairs: true, faults, cut, admission });
      const joined = async (lies: boolean): Promise<void> => {
        simulation.add({ lies });
        const end = simulation.now + patience;
        while (simulation.members.length < simulation.running.length || simulation.ring.inconsistency() !== null) {
          assert.ok(simulation.now < end, `seed ${seed}: no ring`);
          await simulation.pass(100);
        }
      };
      while (simulation.hosts.length < honestHosts) await joined(false);
      await simulation.pass(15_000);
      const contents: Content[] = [];
      for (let file = 0; file < files; file++) {
        const content = await contentOf(`file ${file}`, simulation.random);
        const put = simulation.hosts[file % honestHosts]!.data!.files.put(`file ${file}`, oneChunk(content.bytes));
        assert.equal((await simulation.waitFor(put, patience))?.copies, 3);
        contents.push(content);
      }
      await simulation.pass(10_000);
      for (let liar = 0; liar < liars; liar++) await joined(true);
      await simulation.pass(liarsStay / 2);
      // Meanwhile an honest host leaves and returns.
      const away = simulation.hosts[seed % honestHosts]!;
      simulation.crash(away);
      await simulation.pass(5000);
      simulation.restart(away);
      await simulation.pass(liarsStay / 2);
      for (const host of simulation.hosts) if (host.lies) simulation.wipe(host);
      await simulation.pass(patience);
      for (const [file, { bytes }] of contents.entries()) {
        for (const host of simulation.members) {
          const reading = (async () => {
            const { files: verbs } = host.data!;
            const { cid } = await verbs.resolve({ name: `file ${file}` });
            const pieces: Uint8Array[] = [];
            for await (const piece of verbs.read(cid)) pieces.push(Uint8Array.from(piece));
            return Buffer.concat(pieces);
          })();
          const got = await simulation.waitFor(reading, readPatience);
          assert.ok(got?.equals(bytes), `seed ${seed}: file ${file} at host ${host.number}`);
        }
      }
      simulation.close();
    }
  });
