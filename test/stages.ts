/** What `npm test` runs, in this order: cheap and close to the cause first. */
export interface Stage {
  readonly name: string;
  /** Globs from the root of the repository, run in this order: files that take long first, so that none is left over at the end. */
  readonly files: readonly string[];
  /**
   * Test files at a time, for two processors. Where real processes run, most of the time goes into waiting for each other, so one
   * file more than there are processors keeps them busy.
   */
  readonly concurrency: number;
  /** A test or file that takes longer is killed and fails. */
  readonly timeoutMilliseconds: number;
}

export const stages: readonly Stage[] = [
  {
    name: 'unit',
    files: [
      'packages/**/*.test.ts',
      'src/**/*.test.ts',
      'simulation/**/*.test.ts',
      'test/repository/**/*.test.ts',
      'test/torture/**/*.test.ts',
    ],
    concurrency: 2,
    timeoutMilliseconds: 120_000,
  },
  {
    name: 'contract',
    files: ['test/contracts/**/*.test.ts', 'test/files/**/*.test.ts'],
    concurrency: 2,
    timeoutMilliseconds: 120_000,
  },
  {
    name: 'end-to-end',
    files: [
      'test/hostile/!(findings-sharing).test.ts',
      'test/browser/**/*.test.ts',
      'test/end-to-end/{interrupted-torture,torture,teaching-ring,commands,wrong-clocks,shares,search}.test.ts',
      'test/end-to-end/{odd-*,put-undo,stops,no-home,joins-and-leaves,members,full-host}.test.ts',
      'test/end-to-end/!(acceptance|package|same-identity).test.ts',
    ],
    concurrency: 3,
    timeoutMilliseconds: 600_000,
  },
  {
    // One measures promised times, one builds the page again, which peers serve; two hold what peers find or refuse within seconds.
    name: 'alone',
    files: ['test/end-to-end/{acceptance,package,same-identity}.test.ts', 'test/hostile/findings-sharing.test.ts'],
    concurrency: 1,
    timeoutMilliseconds: 300_000,
  },
];
