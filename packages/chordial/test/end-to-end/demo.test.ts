import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { NetworkFixture } from './network-fixture.ts';

test('A13 demo --once shows a ring of real processes, holds every step and leaves nothing behind', async () => {
  await using network = await NetworkFixture.open();
  const options = {
    environment: { ...(await network.environment()), TMPDIR: network.folder },
    deadlineMilliseconds: 120_000,
  };
  const demo = await network.command(['demo', '--once', '--peers', '3', '--json'], undefined, options);
  assert.equal(demo.exit, 0, demo.text + demo.stderr);
  const steps = demo.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; pid?: number });
  assert.equal(steps.slice(0, 3).filter(({ text }) => /^peer [123] .* at \w+, listening at/.test(text)).length, 3);
  assert.match(steps[3]?.text ?? '', /3 peers are one ring of 36 members, every pointer right/);
  assert.equal(steps.at(-1)?.text, 'all steps held');
  const left = (await readdir(network.folder)).filter((name) => name.startsWith('chordial-demo-'));
  assert.deepEqual(left, []);
});
