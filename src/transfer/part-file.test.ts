import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { noAttributes } from '../content/attributes.ts';
import { LeafPool, leafBytes } from '../content/leaf-pool.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { PartFile, partName } from './part-file.ts';

const leaves = 64;
const size = leaves * leafBytes + 5;

/** Large enough to go past the cache; most of it is a hole. */
async function inFolder(run: (folder: FolderHandle, target: string, leaf: Uint8Array) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chordial-part-')));
  try {
    const leaf = new LeafPool().take();
    randomBytes(leafBytes).copy(leaf);
    await using opened = await FolderHandle.open(folder);
    await run(opened, join(folder, 'file'), leaf);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function bytesAt(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

describe('the part file of a large file', () => {
  it('takes whole leaves, pieces and the short end, each where it belongs', () =>
    inFolder(async (folder, target, leaf) => {
      const part = await PartFile.open(folder, 'file', { size });
      const piece = Buffer.from('piece');
      await Promise.all([part.write(leaf, 3 * leafBytes), part.write(leaf, 0), part.write(piece, leaves * leafBytes)]);
      await part.write(piece, 2 * leafBytes - 2);
      await part.finish(size, { force: false, attributes: noAttributes });
      await part.close();
      assert.equal((await stat(target)).size, size);
      assert.deepEqual(await bytesAt(target, 0, leafBytes), Buffer.from(leaf));
      assert.deepEqual(await bytesAt(target, 3 * leafBytes, leafBytes), Buffer.from(leaf));
      assert.deepEqual(await bytesAt(target, 2 * leafBytes - 2, 5), piece);
      assert.deepEqual(await bytesAt(target, leaves * leafBytes, 5), piece);
    }));

  it('takes leaves at places that are no whole pages the ordinary way, and whole leaves after that too', () =>
    inFolder(async (folder, target, leaf) => {
      const part = await PartFile.open(folder, 'file', { size });
      await Promise.all([part.write(leaf, 7), part.write(leaf, 2 * leafBytes + 9)]);
      await part.write(leaf, 4 * leafBytes);
      await part.finish(size, { force: false, attributes: noAttributes });
      await part.close();
      for (const offset of [7, 2 * leafBytes + 9, 4 * leafBytes]) {
        assert.deepEqual(await bytesAt(target, offset, leafBytes), Buffer.from(leaf));
      }
    }));

  it('overwrites what an earlier attempt left in the cache', () =>
    inFolder(async (folder, _target, leaf) => {
      await writeFile(join(folder.path, partName('file')), randomBytes(2 * leafBytes));
      const part = await PartFile.open(folder, 'file', { size });
      await bytesAt(part.path, 0, 2 * leafBytes);
      await part.write(leaf, leafBytes);
      assert.deepEqual(await bytesAt(part.path, leafBytes, leafBytes), Buffer.from(leaf));
      await part.close();
    }));

  for (const [what, before, bytes] of [
    ['that ends in zeros', 0, Buffer.concat([Buffer.from('piece'), Buffer.alloc(9)])],
    ['of which an earlier attempt left more', 100, Buffer.from('piece')],
  ] as const)
    it(`gives a file ${what} its size`, () =>
      inFolder(async (folder, target) => {
        await writeFile(join(folder.path, partName('file')), randomBytes(before));
        const part = await PartFile.open(folder, 'file', { size: bytes.length });
        await part.write(bytes.subarray(0, 5), 0);
        await part.write(bytes.subarray(5), 5);
        await part.finish(bytes.length, { force: false, attributes: noAttributes });
        await part.close();
        assert.deepEqual(await bytesAt(target, 0, 200), bytes);
      }));
});
