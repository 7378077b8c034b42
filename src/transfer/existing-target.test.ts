import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/contracts/temporary-folder.ts';
import { buildFile } from '../content/builder.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { hasContent } from './existing-target.ts';

test('case 18 a target of the same size counts as the content only when its bytes are the same', async () => {
  await using folder = await temporaryFolder();
  const target = path.join(folder.path, 'target');
  await using opened = await FolderHandle.open(await realpath(folder.path));
  for (const size of [1, 3000, 2 * 1024 * 1024 + 5]) {
    const bytes = new Uint8Array(randomBytes(size));
    const { cid, sha256 } = await buildFile(Readable.from([bytes.slice()]), async () => undefined);
    await writeFile(target, bytes);
    assert.equal(await hasContent(opened, 'target', { cid, size, sha256 }), true);
    // Cut otherwise by another tool, the hash of the whole decides.
    const another = cidOfBlock(rawCodec, Buffer.from('another tree'));
    assert.equal(await hasContent(opened, 'target', { cid: another, size, sha256 }), true);
    assert.equal(await hasContent(opened, 'target', { cid: another, size, sha256: null }), false);
    for (const at of [0, size - 1]) {
      const wrong = Uint8Array.from(bytes);
      wrong[at] = wrong[at]! ^ 1;
      await writeFile(target, wrong);
      assert.equal(await hasContent(opened, 'target', { cid, size, sha256 }), false, `byte ${at} of ${size}`);
      assert.equal(await hasContent(opened, 'target', { cid, size, sha256: null }), false, `byte ${at} of ${size}`);
    }
    await writeFile(target, bytes.subarray(1));
    assert.equal(await hasContent(opened, 'target', { cid, size, sha256 }), false);
  }
});
