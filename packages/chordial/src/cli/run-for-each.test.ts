import assert from 'node:assert/strict';
import test from 'node:test';
import { ChordialError } from '../errors.ts';
import { runForEach } from './run-for-each.ts';

const kibibyte = 1024;

/** Runs items of such a size, each until the next turn; the most that were in progress, and what was told. */
async function run(sizes: readonly number[], signal = new AbortController().signal, each = async () => {}) {
  let [inFlight, most] = [0, 0];
  const told: number[] = [];
  const work = async (index: number): Promise<number> => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    await each();
    await new Promise(setImmediate);
    inFlight -= 1;
    return index;
  };
  const options = { heldBytes: (index: number) => sizes[index]!, signal, tell: (index: number) => told.push(index) };
  await runForEach([...sizes.keys()], String, work, options);
  return { most, told };
}

test('many small items are in progress at a time, of larger ones fewer, and all are told in order', async () => {
  const all = Array.from({ length: 600 }, (_, index) => index);
  const small = await run(all.map(() => 10 * kibibyte));
  assert.equal(small.most, 256);
  assert.deepEqual(small.told, all);
  const large = await run(all.map(() => 256 * kibibyte));
  assert.equal(large.most, 64);
  assert.deepEqual(large.told, all);
});

test('an item larger than all that may be in progress is worked on alone', async () => {
  const { most, told } = await run([40 * kibibyte * kibibyte, 1, 40 * kibibyte * kibibyte]);
  assert.equal(most, 1);
  assert.deepEqual(told, [0, 1, 2]);
});

test('nothing more is begun after an interruption, and the command says how much is left', async () => {
  const stop = new AbortController();
  const began: number[] = [];
  const each = async (): Promise<void> => {
    began.push(1);
    stop.abort();
  };
  const running = run(new Array(400).fill(1), stop.signal, each);
  await assert.rejects(running, (error: unknown) => error instanceof ChordialError && error.code === 'interrupted');
  assert.equal(began.length, 1);
});
