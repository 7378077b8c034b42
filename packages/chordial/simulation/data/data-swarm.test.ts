import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDataSwarm } from './data-swarm.ts';

/** `npm run simulate:data` runs thousands. */
const smokeSeeds = [0, 1, 2, 3, 4, 5];

for (const seed of smokeSeeds) {
  test(`B4 whatever seed ${seed} does to hosts and disks, nothing acknowledged is lost or wrong`, async () => {
    const { failure, puts, reads } = await runDataSwarm(seed);
    assert.equal(failure, null);
    assert.ok(puts > 0 && reads > 0);
  });
}

for (const seed of [0, 1, 2]) {
  test(`H6 members removed under loss and partition (seed ${seed}) are answered by no one, and nothing is lost`, async () => {
    const lines: string[] = [];
    const faults = ['remove', 'remove-apart'] as const;
    const { failure } = await runDataSwarm(seed, { faults, log: (line) => lines.push(line) });
    assert.equal(failure, null, lines.slice(-20).join('\n'));
    assert.ok(lines.some((line) => / remove(-apart)? \d/.test(line)));
  });
}

// Findings of longer runs: docs/simulator-findings.md.
for (const [seed, steps] of [
  [54, 2],
  [131, 3],
] as const) {
  test(`H6 what a member put after its removal does not stay where the word of it came late (seed ${seed})`, async () => {
    assert.equal((await runDataSwarm(seed, { steps })).failure, null);
  });
}

for (const [seed, what] of [
  [412, 'an old record at a host that is no place of it any more is replaced and goes'],
  [679, 'a put whose publisher is gone is let go everywhere'],
  [778, 'a host does not take itself for no place of a block because a message was lost'],
  [1945, 'a removal that fails ends no claims at its publisher'],
  [492, 'a put that fails after its name was out leaves what the name stood for'],
  [42, 'a host that gave a put up takes its blocks in repair, also from their publisher'],
  [67, 'the small part of a partition does not say that a name does not exist'],
] as const) {
  test(`B4 ${what} (seed ${seed})`, async () => {
    assert.equal((await runDataSwarm(seed)).failure, null);
  });
}

test('the same seed gives the same history', async () => {
  const histories: string[][] = [];
  for (let run = 0; run < 2; run++) {
    const lines: string[] = [];
    const { digest, events } = await runDataSwarm(3, { log: (line) => lines.push(line) });
    histories.push([...lines, digest, String(events)]);
  }
  assert.deepEqual(histories[0], histories[1]);
});

test('the swarm catches peers that do not repair', async () => {
  for (const seed of smokeSeeds) {
    const { failure } = await runDataSwarm(seed, { repairs: false });
    if (failure !== null) return assert.match(failure, /not whole/);
  }
  assert.fail('no one noticed');
});
