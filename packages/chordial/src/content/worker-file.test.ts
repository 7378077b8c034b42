import assert from 'node:assert/strict';
import { it } from 'node:test';
import { workerFile } from './worker-file.ts';

it('finds a worker in the sources and in the package', () => {
  assert.equal(workerFile('/a/src/sharing/x.ts', 'y-worker'), '/a/src/sharing/y-worker.ts');
  assert.equal(workerFile('/a/dist/src/sharing/x.js', 'y-worker'), '/a/dist/src/sharing/y-worker.js');
});
