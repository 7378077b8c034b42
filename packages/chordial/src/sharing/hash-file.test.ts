import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { appendFile, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { buildFile } from '../content/builder.ts';
import { blockKey } from '../content/cid.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { hashFile } from './hash-file.ts';
import { WholeHash } from './whole-hash.ts';

const sizes = [0, 1, 64 * 1024, leafBytes - 1, leafBytes, leafBytes + 1, 3 * leafBytes + 7];

async function built(bytes: Uint8Array) {
  const keys: string[] = [];
  async function* once() {
    yield bytes;
  }
  const result = await buildFile(once(), async ({ cid }) => {
    keys.push(blockKey(cid));
  });
  return { ...result, keys };
}

describe('hashFile', () => {
  for (const size of sizes) {
    it(`gives a file of ${size} bytes the address and the blocks that a put gives it`, async () => {
      await using folder = await temporaryFolder();
      const file = path.join(folder.path, 'file');
      const bytes = randomBytes(size);
      await writeFile(file, bytes);
      const wanted = await built(bytes);
      const steps: number[] = [];
      const hashed = await hashFile(file, { progress: (done) => steps.push(done) });
      assert.equal(hashed.cid.toString(), wanted.cid.toString());
      assert.equal(hashed.size, size);
      assert.equal(hashed.leafDigests.length, 32 * Math.max(1, Math.ceil(size / leafBytes)));
      assert.deepEqual(
        hashed.nodes.map(({ cid }) => blockKey(cid)),
        wanted.keys.slice(hashed.leafDigests.length / 32),
      );
      assert.equal(hashed.sha256, size <= leafBytes ? wanted.sha256 : null);
      assert.equal(steps.at(-1), size);
      for (let leaf = 0; leaf * leafBytes < size; leaf++) {
        const part = bytes.subarray(leaf * leafBytes, (leaf + 1) * leafBytes);
        assert.deepEqual(
          hashed.leafDigests.subarray(leaf * 32, leaf * 32 + 32),
          new Uint8Array(hash('sha256', part, 'buffer')),
        );
      }
    });
  }

  it('a file that is changed meanwhile is told as changed', async () => {
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, 'file');
    for (const change of [() => appendFile(file, 'more'), () => truncate(file, 10)]) {
      await writeFile(file, randomBytes(3 * leafBytes));
      let changing: Promise<void> | null = null;
      const progress = () => {
        changing ??= change();
      };
      await assert.rejects(hashFile(file, { progress, leafConcurrency: 1 }), isError('changed'));
      await changing;
    }
  });

  it('is interrupted by its signal', async () => {
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, 'file');
    await writeFile(file, randomBytes(4 * leafBytes));
    const stopping = new AbortController();
    const hashing = hashFile(file, { signal: stopping.signal, leafConcurrency: 1, progress: () => stopping.abort() });
    await assert.rejects(hashing, isError('interrupted'));
  });

  it('refuses what is no file, is absent or is a link', async () => {
    await using folder = await temporaryFolder();
    await writeFile(path.join(folder.path, 'file'), 'x');
    await symlink('file', path.join(folder.path, 'link'));
    for (const name of ['', 'absent', 'link'])
      await assert.rejects(hashFile(path.join(folder.path, name)), isError('unreadable-file'));
  });
});

describe('WholeHash', () => {
  it('hashes whole files one after the other, and says how far it is', async () => {
    await using folder = await temporaryFolder();
    const whole = new WholeHash();
    try {
      const contents = [randomBytes(0), randomBytes(10), randomBytes(2 * leafBytes + 3), Buffer.alloc(65 * leafBytes)];
      const steps: number[] = [];
      const digests = await Promise.all(
        contents.map(async (bytes, index) => {
          const file = path.join(folder.path, String(index));
          await writeFile(file, bytes);
          return whole.of(file, { progress: (done) => steps.push(done) });
        }),
      );
      assert.deepEqual(
        digests,
        contents.map((bytes) => hash('sha256', bytes, 'hex')),
      );
      assert.deepEqual(steps, [64 * leafBytes]);
      await assert.rejects(whole.of(path.join(folder.path, 'absent')), isError('unreadable-file', /absent/));
    } finally {
      await whole.close();
    }
  });

  it('is interrupted by its signal and by close, and goes on with the next file', async () => {
    await using folder = await temporaryFolder();
    const [large, small] = [path.join(folder.path, 'large'), path.join(folder.path, 'small')];
    await writeFile(large, '');
    // Nothing but a hole: hashing it takes far longer than breaking it off.
    await truncate(large, 2 ** 34);
    await writeFile(small, 'small');
    const whole = new WholeHash();
    const stopping = new AbortController();
    const first = whole.of(large, { signal: stopping.signal, progress: () => stopping.abort() });
    const second = whole.of(small);
    await assert.rejects(first, isError('interrupted'));
    assert.equal(await second, hash('sha256', 'small', 'hex'));
    const reached = Promise.withResolvers<void>();
    const third = whole.of(large, { progress: () => reached.resolve() });
    await reached.promise;
    await Promise.all([assert.rejects(third, isError('interrupted')), whole.close()]);
    await assert.rejects(whole.of(small), isError('interrupted'));
  });
});
