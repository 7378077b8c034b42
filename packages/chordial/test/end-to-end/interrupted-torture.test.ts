/** An interrupted long run leaves neither peers nor folders behind. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until, within } from '../fixtures/until.ts';

const torture = fileURLToPath(new URL('../torture/main.ts', import.meta.url));
const patienceMilliseconds = 60_000;
/** The watchdog and two peers. */
const fewestProcesses = 3;

interface Run {
  readonly process: ChildProcess;
  readonly lines: readonly string[];
}

/** Starts a run with this folder for what is temporary, and resolves when its peers run. */
async function startRun(folder: string): Promise<Run> {
  const run = spawn(process.execPath, [torture, '--minutes', '5', '--peers', '4', '--only', 'stop'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  });
  const lines: string[] = [];
  createInterface({ input: run.stderr }).on('line', (line) => lines.push(line));
  const isRunning = async () => (await processesIn(folder)).length >= fewestProcesses;
  await until('its peers run', isRunning, patienceMilliseconds);
  return { process: run, lines };
}

/** Processes whose command line names the folder: peers by their data, the watchdog by what it guards. */
async function processesIn(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // It may have ended.
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(folder));
}

async function leavesNothing(folder: string, { process: run }: Run): Promise<void> {
  if (run.exitCode === null && run.signalCode === null)
    await within('the run ends', once(run, 'exit'), patienceMilliseconds);
  await until('its peers are gone', async () => (await processesIn(folder)).length === 0, patienceMilliseconds);
  // The log of its steps is kept for anyone who looks into it.
  assert.deepEqual(
    (await readdir(folder)).filter((name) => !name.endsWith('.log')),
    [],
  );
}

const endings: Readonly<Record<string, (run: Run) => Promise<void> | void>> = {
  'one Ctrl-C': ({ process }) => void process.kill('SIGINT'),
  'a second Ctrl-C': async ({ process, lines }) => {
    process.kill('SIGINT');
    await until('the first is heard', () => lines.some((line) => line.startsWith('Interrupted')), patienceMilliseconds);
    process.kill('SIGINT');
  },
  'kill -9': ({ process }) => void process.kill('SIGKILL'),
};

for (const [what, end] of Object.entries(endings)) {
  test(`A22 ${what} in the middle of a run of torture leaves no peer and no folder`, async (t) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-interrupted-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const run = await startRun(folder);
    await end(run);
    await leavesNothing(folder, run);
  });
}
