/**
 * Finds processes that a run of the gate left behind. Every process started by the gate inherits a mark in its
 * environment, visible under /proc on Linux; other systems are not checked.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const markName = 'CHORDIAL_TEST_RUN';
/** Time for processes to stop. */
const defaultGraceMilliseconds = 3_000;
const pollMilliseconds = 50;

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** Marks the children of this process from now on. */
export function markChildren(mark: string): void {
  process.env[markName] = mark;
}

export function processesMarked(mark: string): readonly Leftover[] {
  if (process.platform !== 'linux') return [];
  const found: Leftover[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const environment = readProcess(pid, 'environ');
    if (environment.split('\0').includes(`${markName}=${mark}`)) {
      found.push({ pid, command: readProcess(pid, 'cmdline').replaceAll('\0', ' ').trim() });
    }
  }
  return found;
}

/** Waits briefly for them to end, then kills the rest and returns them. */
export async function endLeftovers(
  mark: string,
  graceMilliseconds = defaultGraceMilliseconds,
): Promise<readonly Leftover[]> {
  const deadline = performance.now() + graceMilliseconds;
  while (processesMarked(mark).length > 0 && performance.now() < deadline) await wait(pollMilliseconds);
  return endNow(mark);
}

/** Kills and returns the running ones. */
export function endNow(mark: string): readonly Leftover[] {
  const left = processesMarked(mark);
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return left;
}

/** Empty if the process is gone, not readable, or a zombie. */
function readProcess(pid: number, what: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EPERM' || code === 'ESRCH') return '';
    throw error;
  }
}
