import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChordialError } from '../src/errors.ts';
import { measure, runSimulation } from './run.ts';

test('A10 256 peers find every owner within 5 % of the hops of the formula', () => {
  const { hops, formula, failures, wrongOwners, settledAfter } = measure({ peers: 256, seed: 1, lookups: 4000 });
  assert.notEqual(settledAfter, null);
  assert.equal(failures, 0);
  assert.equal(wrongOwners, 0);
  assert.ok(Math.abs(hops.mean / formula - 1) < 0.05, `${hops.mean} beside ${formula}`);
});

test('A10 the same seed gives the same table; --json is one line with the same figures', () => {
  const printed: string[] = [];
  const first = runSimulation({ peers: 20, seed: 7, lookups: 50, json: true }, (text) => printed.push(text));
  const second = runSimulation({ peers: 20, seed: 7, lookups: 50 }, (text) => printed.push(text));
  assert.deepEqual({ ...first, realSeconds: 0 }, { ...second, realSeconds: 0 });
  assert.deepEqual(JSON.parse(printed[0]!), first);
  assert.match(printed[1]!, /½·log2 N/);
});

test('A22 invalid settings are refused with the valid ones', () => {
  for (const bad of [{ peers: 0 }, { peers: 1.5 }, { peers: 100, bits: 8 }, { peers: 5, loss: 1 }]) {
    assert.throws(
      () => measure({ seed: 1, ...bad }),
      (error) => error instanceof ChordialError && error.code === 'bad-usage' && /give|too few/.test(error.message),
    );
  }
});
