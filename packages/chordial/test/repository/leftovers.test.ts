import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { endLeftovers, processesMarked } from '../leftovers.ts';

test('the gate finds a process that a test left behind, ends it and names it', async (t) => {
  if (process.platform !== 'linux') return t.diagnostic('processes are told apart on Linux only');
  const mark = randomUUID();
  assert.deepEqual(await endLeftovers(mark), []);
  const left = spawn('sleep', ['600'], { env: { ...process.env, CHORDIAL_TEST_RUN: mark }, detached: true });
  const gone = once(left, 'exit');
  await once(left, 'spawn');
  assert.deepEqual(processesMarked(mark), [{ pid: left.pid, command: 'sleep 600' }]);
  const ended = await endLeftovers(mark, 0);
  assert.deepEqual(ended, [{ pid: left.pid, command: 'sleep 600' }]);
  await gone;
  assert.equal(left.signalCode, 'SIGKILL');
  assert.deepEqual(processesMarked(mark), []);
});
