/**
 * Speed of hashing a file for sharing, compared with `openssl dgst -sha256`: leaf by leaf on one core, by two threads as in
 * a peer, and the SHA-256 of the whole file in its own thread. The file is cached.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HashingThread } from '../packages/chordial/src/content/hashing-thread.ts';
import { LeafPool } from '../packages/chordial/src/content/leaf-pool.ts';
import { hashFile } from '../packages/chordial/src/sharing/hash-file.ts';
import { WholeHash } from '../packages/chordial/src/sharing/whole-hash.ts';
import { alternate, type Contender, threeDigits } from './alternating.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { debian, needPackages, timedProgram } from './rivals/program.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

/** Minimum multiples of openssl's rate. */
const targets = new Map([
  ['hash and index, one leaf at a time', 0.8],
  ['hash and index, two threads', 1.5],
]);

export async function hashing(options: BenchOptions): Promise<readonly BenchRow[]> {
  await needPackages([debian.openssl], options.note);
  const folder = await mkdtemp(path.join(tmpdir(), 'chordial-hash-'));
  const whole = new WholeHash();
  const [one, two] = [new HashingThread(), new HashingThread()];
  const leaves = new LeafPool();
  try {
    const file = path.join(folder, 'file');
    const bytes = (options.isQuick ? 256 : 1024) * mebibyte;
    await makeRandomFile(file, bytes);
    const rate = (name: string, work: () => Promise<unknown>): Contender => ({
      name,
      measure: async () => {
        const start = performance.now();
        await work();
        return bytes / 1000 / (performance.now() - start);
      },
    });
    const openssl: Contender = {
      name: 'openssl dgst -sha256',
      measure: async () => bytes / 1e6 / (await timedProgram('openssl', ['dgst', '-sha256', file])),
    };
    const [rival, ...ours] = await alternate(
      [
        openssl,
        rate('hash and index, one leaf at a time', () =>
          hashFile(file, { hashing: [one], leaves, leafConcurrency: 1 }),
        ),
        rate('hash and index, two threads', () => hashFile(file, { hashing: [one, two], leaves })),
        rate('SHA-256 of the whole', () => whole.of(file)),
      ],
      options,
    );
    if (rival === undefined) throw new Error('nothing was measured');
    return ours.map(({ name, median }) => {
      const [ratio, min] = [median / rival.median, targets.get(name)];
      return row(name, `${threeDigits(median)} MB/s`, {
        rival: `${threeDigits(rival.median)} MB/s (${rival.name})`,
        ratio: ratio.toFixed(2),
        ...(min === undefined ? {} : { target: `≥ ${min} ×`, verdict: verdict(ratio >= min) }),
      });
    });
  } finally {
    await Promise.all([whole, one, two].map((thread) => thread.close()));
    await rm(folder, { recursive: true, force: true });
  }
}
