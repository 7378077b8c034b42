/** A read with retries at other hosts, until the right bytes arrive or the deadline passes. */
import { setTimeout as wait } from 'node:timers/promises';
import { getFile } from './file-requests.ts';
import { pick, type TrackedFile, versionsOf } from './oracle.ts';
import { count } from './tally.ts';
import type { Torture } from './torture.ts';

/** The promised time of a read, retries included. */
export const promisedMilliseconds = 2000;
/** A slower attempt is retried elsewhere; the promise allows two. */
const attemptMilliseconds = 5000;
const betweenAttemptsMilliseconds = 50;

/** Whether the file was read correctly before the deadline, or need not be readable any more. */
export async function readPatiently(
  torture: Torture,
  file: TrackedFile,
  patienceMilliseconds: number,
): Promise<boolean> {
  const { oracle, tally, log } = torture;
  const started = performance.now();
  const before = versionsOf(file);
  tally.reads += 1;
  for (let attempt = 1; ; attempt++) {
    const host = pick(torture.readers, torture.random);
    if (host !== null) {
      const left = patienceMilliseconds - (performance.now() - started);
      const got = await getFile(host, file.name, file.publisher, Math.min(attemptMilliseconds, left));
      const took = performance.now() - started;
      if (file.state !== 'kept' || file.isBeyondCut) return true;
      if (got.ok) {
        const judgement = oracle.judge(file, got.value, before);
        if (judgement === 'wrong') tally.wrongReads += 1;
        if (judgement === 'stale') tally.staleReads += 1;
        if (judgement !== 'right') log.step(`${file.name} at ${host.name}: ${judgement} bytes (${got.value.length})`);
        if (judgement === 'right') return settled(torture, file, { at: host.name, attempts: attempt, took });
      } else if (host.isUp) {
        // The host went down during the request.
        count(tally.failedReads, got.code);
        if (got.code === 'not-found') tally.wronglyAbsent += 1;
        log.detail(`${file.name} at ${host.name}: ${got.code} after ${took.toFixed(0)} ms: ${got.detail}`);
      }
    }
    if (performance.now() - started > patienceMilliseconds || torture.signal.aborted) return torture.signal.aborted;
    await wait(betweenAttemptsMilliseconds);
  }
}

interface Read {
  readonly at: string;
  readonly attempts: number;
  readonly took: number;
}

function settled({ tally, log }: Torture, file: TrackedFile, { at, attempts, took }: Read): true {
  if (attempts > 1) {
    tally.retriedReads += 1;
    tally.slowestRetriedReadMilliseconds = Math.max(tally.slowestRetriedReadMilliseconds, took);
  }
  if (took > promisedMilliseconds) {
    tally.lateReads += 1;
    log.step(
      `${file.name} (${file.current.size} bytes) was read only after ${took.toFixed(0)} ms, ${attempts} tries, at ${at}`,
    );
  }
  tally.slowestReadMilliseconds = Math.max(tally.slowestReadMilliseconds, took);
  return true;
}
