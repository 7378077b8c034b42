/** What `npm test` runs, in this order: cheap and close to the cause first. */
export interface Stage {
  readonly name: string;
  /** Globs from the root of the repository, run in this order: files that take long first, so that none is left over at the end. */
  readonly files: readonly string[];
  /**
   * Test files at a time, for two processors: one more where tests wait for disks and timers, two where they wait for processes.
   */
  readonly concurrency: number;
  /** A test or file that takes longer is killed and fails. */
  readonly timeoutMilliseconds: number;
}

export const stages: readonly Stage[] = [
  {
    name: 'unit',
    files: [
      'packages/chordial/simulation/data/{data-swarm,liars,once-failed}.test.ts',
      'packages/chordial/src/sharing/shared-folders.test.ts',
      'packages/ring/**/*.test.ts',
      'packages/chordial/src/**/*.test.ts',
      'packages/chordial/simulation/**/*.test.ts',
      'packages/chordial/test/repository/**/*.test.ts',
      'packages/chordial/test/torture/**/*.test.ts',
    ],
    concurrency: 3,
    timeoutMilliseconds: 120_000,
  },
  {
    name: 'contract',
    files: [
      'packages/chordial/test/contracts/bandwidth.test.ts',
      'packages/chordial/test/contracts/hostile-peers.test.ts',
      'packages/chordial/test/contracts/**/*.test.ts',
      'packages/chordial/test/files/**/*.test.ts',
    ],
    concurrency: 3,
    timeoutMilliseconds: 120_000,
  },
  {
    name: 'end-to-end',
    files: [
      'packages/chordial/test/end-to-end/limits.test.ts',
      'packages/chordial/test/hostile/findings-sharing.test.ts',
      'packages/chordial/test/end-to-end/{put-undo,joins-and-leaves,wrong-clocks,shares,torture,teaching-ring}.test.ts',
      'packages/chordial/test/browser/**/*.test.ts',
      'packages/chordial/test/hostile/**/*.test.ts',
      'packages/chordial/test/end-to-end/{commands,same-identity,search,stops,members,odd-*,removal}.test.ts',
      'packages/chordial/test/end-to-end/!(acceptance|package).test.ts',
    ],
    concurrency: 4,
    timeoutMilliseconds: 600_000,
  },
  {
    // One measures promised times, the other builds the page again, which peers serve.
    name: 'alone',
    files: ['packages/chordial/test/end-to-end/{acceptance,package}.test.ts'],
    concurrency: 1,
    timeoutMilliseconds: 300_000,
  },
];
