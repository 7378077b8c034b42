/** What `npm test` runs, in this order: cheap and close to the cause first. */
export interface Stage {
  readonly name: string;
  /** Globs from the root of the repository. */
  readonly files: readonly string[];
  /** Test files at a time. Real processes and sockets run alone: their deadlines are wall-clock. */
  readonly concurrency: number;
  /** A test or file that takes longer is killed and fails. */
  readonly timeoutMilliseconds: number;
}

export const stages: readonly Stage[] = [
  {
    name: 'unit',
    files: ['src/**/*.test.ts', 'simulation/**/*.test.ts', 'test/repository/**/*.test.ts', 'test/torture/**/*.test.ts'],
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
    files: ['test/end-to-end/**/*.test.ts', 'test/browser/**/*.test.ts', 'test/hostile/**/*.test.ts'],
    concurrency: 1,
    timeoutMilliseconds: 300_000,
  },
];
