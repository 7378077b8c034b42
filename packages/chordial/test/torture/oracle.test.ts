import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@chordial/ring/testing';
import { fileBytes, sizeOf } from './file-bytes.ts';
import { Oracle, type Version, versionsOf } from './oracle.ts';

const by = { publisher: 'somebody', host: 1 };
const first: Version = { seed: 'a', size: 1000 };
const second: Version = { seed: 'b', size: 1000 };

test('bytes are equal for equal seeds only, and sizes are small, large or zero', () => {
  assert.deepEqual(fileBytes('a', 1000), fileBytes('a', 1000));
  assert.notDeepEqual(fileBytes('a', 1000), fileBytes('b', 1000));
  assert.deepEqual(fileBytes('a', 5), fileBytes('a', 1000).subarray(0, 5));
  assert.equal(sizeOf(0.04), 0);
  assert.ok(sizeOf(0.03999) > 4_000_000 && sizeOf(0.99) < 300_000);
});

test('a flipped bit is wrong, and so is another length', () => {
  const oracle = new Oracle();
  const file = oracle.kept('x', first, by, true);
  const bytes = fileBytes('a', 1000);
  assert.equal(oracle.judge(file, bytes, []), 'right');
  assert.equal(oracle.judge(file, bytes.subarray(0, 999), []), 'wrong');
  bytes[500] = (bytes[500] ?? 0) ^ 1;
  assert.equal(oracle.judge(file, bytes, []), 'wrong');
});

test('a replaced version is stale, unless it was current when the read began or the outcome is unknown', () => {
  const oracle = new Oracle();
  const file = oracle.kept('x', first, by, true);
  const before = versionsOf(file);
  file.possible.push(second);
  for (const seed of ['a', 'b']) assert.equal(oracle.judge(file, fileBytes(seed, 1000), []), 'right');
  oracle.replaced(file, second, true);
  assert.equal(oracle.judge(file, fileBytes('a', 1000), before), 'right');
  assert.equal(oracle.judge(file, fileBytes('a', 1000), versionsOf(file)), 'stale');
  assert.equal(oracle.judge(file, fileBytes('b', 1000), []), 'right');
});

test('only files that every host must find are chosen for reading', () => {
  const oracle = new Oracle();
  const random = seededRandom(1);
  assert.equal(oracle.anyReadable(random), null);
  const [kept, changing, beyond] = ['a', 'b', 'c'].map((name) => oracle.kept(name, first, by, true));
  assert.ok(kept !== undefined && changing !== undefined && beyond !== undefined);
  changing.state = 'changing';
  beyond.isBeyondCut = true;
  for (let times = 0; times < 20; times++) assert.equal(oracle.anyReadable(random), kept);
  oracle.cutIsOver();
  assert.equal(beyond.isBeyondCut, false);
});
