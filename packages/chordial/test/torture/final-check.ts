/** After all faults: everything acknowledged must be readable, and nothing removed. */
import { getFile } from './file-requests.ts';
import { pick, type TrackedFile, versionsOf } from './oracle.ts';
import type { Torture } from './torture.ts';

export interface FinalCheck {
  /** Names of acknowledged files that cannot be read. */
  readonly lost: readonly string[];
  /** Names of files that differ from the last acknowledged version. */
  readonly wrong: readonly string[];
  /** Names of removed files that are readable again. */
  readonly risen: readonly string[];
}

const readConcurrency = 4;
const attempts = 5;
const attemptMilliseconds = 10_000;

export async function finalCheck(torture: Torture): Promise<FinalCheck> {
  const found = { lost: [] as string[], wrong: [] as string[], risen: [] as string[] };
  const queue = [...torture.oracle.files.values()];
  const work = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      const verdict = await verdictOf(torture, file);
      if (verdict === 'fine') continue;
      found[verdict].push(file.name);
      torture.log.step(`${file.name} (${file.current.size} bytes, put at host ${file.host}): ${verdict}`);
    }
  };
  await Promise.all(Array.from({ length: readConcurrency }, work));
  return found;
}

async function verdictOf(torture: Torture, file: TrackedFile): Promise<'fine' | 'lost' | 'wrong' | 'risen'> {
  const tries = file.state === 'kept' ? attempts : 1;
  let answered: 'lost' | 'wrong' = 'lost';
  for (let attempt = 0; attempt < tries; attempt++) {
    const host = pick(torture.readers, torture.random);
    if (host === null) return 'lost';
    const got = await getFile(host, file.name, file.publisher, attemptMilliseconds);
    if (file.state === 'removed') return got.ok ? 'risen' : 'fine';
    if (file.state === 'changing' && !got.ok) return 'fine';
    if (got.ok && torture.oracle.judge(file, got.value, versionsOf(file)) === 'right') return 'fine';
    if (got.ok) answered = 'wrong';
    else torture.log.detail(`${file.name} at ${host.name}: ${got.code}: ${got.detail}`);
  }
  return answered;
}
