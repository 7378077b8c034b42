/** The files whose failure loses or leaks something, each with the tests that must notice. Paths of `src` are those of the product. */
export interface Target {
  readonly file: string;
  readonly tests: readonly string[];
}

export const targets: readonly Target[] = [
  of('src/records/merge.ts', 'src/records/merge.test.ts'),
  of('src/replication/excess-replicas.ts', 'src/replication/excess-replicas.test.ts'),
  of('src/storage/reconcile.ts', 'src/storage/reconcile.test.ts'),
  of('src/replication/range-differences.ts', 'src/replication/range-differences.test.ts'),
  of('src/replication/block-fetcher.ts', 'src/replication/block-fetcher.test.ts'),
  of('src/content/block-hashing.ts', 'src/content/block-hashing.test.ts'),
  of('src/storage/group-commit.ts', 'src/storage/group-commit.test.ts'),
  of('src/storage/durable-file.ts', 'src/storage/durable-file.test.ts'),
  of('src/storage/storage-shares.ts', 'src/storage/storage-shares.test.ts'),
  of('src/storage/claim-table.ts', 'src/storage/claim-table.test.ts'),
  of('src/replication/claim-verdict.ts', 'src/replication/claim-verdict.test.ts'),
  of('src/replication/claim-owners.ts', 'src/replication/claim-owners.test.ts'),
  of('src/api/access.ts', 'src/api/access-rules.test.ts'),
  of('src/network/membership.ts', 'src/network/membership.test.ts'),
  of('src/network/incoming-room.ts', 'src/network/incoming-room.test.ts'),
  of('src/search/expression-size.ts', 'src/search/expression-size.test.ts'),
  of('src/search/match.ts', 'src/search/match.test.ts'),
  of('src/transfer/existing-target.ts', 'src/transfer/existing-target.test.ts'),
  of('src/transfer/part-file.ts', 'src/transfer/part-file.test.ts'),
  of('packages/ring/src/host/lookup.ts', 'packages/ring/src/host/lookup.test.ts'),
  of('packages/ring/src/host/failure-detector.ts', 'packages/ring/src/host/failure-detector.test.ts'),
];

/** The path from the root of the repository. */
export function fromRoot(file: string): string {
  return file.startsWith('packages/') ? file : `packages/chordial/${file}`;
}

function of(file: string, ...tests: readonly string[]): Target {
  return { file, tests };
}
