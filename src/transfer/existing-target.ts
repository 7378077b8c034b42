/** What lies at the place where a get is to write. */
import { lstat } from 'node:fs/promises';
import type { CID } from 'multiformats/cid';
import { buildOfLeaves } from '../content/builder.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { fileError, leavesOf, openToRead } from './local-file.ts';

export type ExistingTarget = 'nothing' | 'file' | 'folder' | 'something else';

export async function whatIsAt(path: string): Promise<ExistingTarget> {
  try {
    const status = await lstat(path);
    return status.isFile() ? 'file' : status.isDirectory() ? 'folder' : 'something else';
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 'nothing';
    throw fileError('unwritable-file', path, cause);
  }
}

/** Whether the file there has these bytes, found out by cutting it into blocks again; nothing is fetched. */
export async function hasContent(path: string, cid: CID, size: number, sha256: string | null): Promise<boolean> {
  const file = await openToRead(path, false);
  const status = await file.stat();
  if (status.size !== size) {
    await file.close();
    return false;
  }
  const pool = new LeafPool();
  const built = await buildOfLeaves(leavesOf(file, path, pool), async ({ bytes }) => pool.giveBack(bytes), {
    wholeHash: sha256 !== null,
  });
  // Content of other tools may be cut otherwise: then the hash of the whole decides, where it is known.
  return built.cid.equals(cid) || (sha256 !== null && built.sha256 === sha256);
}
