/** Recovery time: until the ring is ideal and every file has all its copies again. */
import { setTimeout as wait } from 'node:timers/promises';
import { statFile } from './file-requests.ts';
import { pick, type TrackedFile } from './oracle.ts';
import type { Torture } from './torture.ts';

const consistentPatienceMilliseconds = 120_000;
const fullPatienceMilliseconds = 180_000;
const betweenLooksMilliseconds = 400;
const statConcurrency = 4;

/** Measures from now, records it under this name, and returns whether both were reached. */
export async function untilRecovered(torture: Torture, step: string, since = performance.now()): Promise<boolean> {
  const [consistentMilliseconds, fullMilliseconds] = await Promise.all([
    untilConsistent(torture, since),
    untilFull(torture, [...torture.oracle.files.values()], since),
  ]);
  torture.tally.recoveries.push({ step, consistentMilliseconds, fullMilliseconds });
  torture.log.step(
    `${step}: ring in order after ${shown(consistentMilliseconds)}, full replicas after ${shown(fullMilliseconds)}`,
  );
  return consistentMilliseconds !== null && fullMilliseconds !== null;
}

/** Milliseconds from `since`; null after the deadline. */
export async function untilConsistent(torture: Torture, since = performance.now()): Promise<number | null> {
  let faults: readonly string[] = [];
  const deadline = performance.now() + consistentPatienceMilliseconds;
  while (performance.now() < deadline && !torture.signal.aborted) {
    // A host that goes down meanwhile is handled by the next poll.
    faults = await torture.network.ringFaults().catch((error: Error) => [error.message]);
    if (faults.length === 0) return performance.now() - since;
    await wait(betweenLooksMilliseconds);
  }
  for (const fault of faults.slice(0, 10)) torture.log.step(`not in order: ${fault}`);
  return null;
}

/** Milliseconds from `since` until each of these files had all copies; null after the deadline. */
export async function untilFull(
  torture: Torture,
  files: readonly TrackedFile[],
  since = performance.now(),
): Promise<number | null> {
  const { log, signal } = torture;
  const deadline = performance.now() + fullPatienceMilliseconds;
  let lacking = files;
  while (performance.now() < deadline && !signal.aborted) {
    lacking = await stillLacking(torture, lacking);
    if (lacking.length === 0) return performance.now() - since;
    await wait(betweenLooksMilliseconds);
  }
  for (const { name } of lacking.slice(0, 20)) log.step(`not full: ${name} of ${lacking.length} such files`);
  return null;
}

async function stillLacking(torture: Torture, files: readonly TrackedFile[]): Promise<readonly TrackedFile[]> {
  const queue = [...files];
  const lacking: TrackedFile[] = [];
  const work = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (file.state !== 'kept' || torture.signal.aborted) continue;
      file.isFull = await isFull(torture, file);
      if (!file.isFull) lacking.push(file);
    }
  };
  await Promise.all(Array.from({ length: statConcurrency }, work));
  return lacking;
}

async function isFull(torture: Torture, file: TrackedFile): Promise<boolean> {
  const host = pick(torture.readers, torture.random);
  if (host === null) return false;
  const stat = await statFile(host, file.name, file.publisher);
  if (stat.ok && stat.value.copies >= torture.fullCopies) return true;
  torture.log.detail(
    `${file.name}: ${stat.ok ? `${stat.value.copies} copies at ${stat.value.holders.map(({ address }) => address).join(' ')}` : `${stat.code}: ${stat.detail}`}`,
  );
  return false;
}

function shown(milliseconds: number | null): string {
  return milliseconds === null ? 'NEVER' : `${(milliseconds / 1000).toFixed(1)} s`;
}
