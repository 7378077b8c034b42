/** Compares the target of a get with what is already there. */
import type { CID } from 'multiformats/cid';
import { buildOfLeaves } from '../content/builder.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import type { FolderHandle } from '../storage/folder-handle.ts';
import { fileError, leavesOf } from './local-file.ts';

export type ExistingTarget = 'nothing' | 'file' | 'folder' | 'something else';

export async function whatIsAt(folder: FolderHandle, base: string): Promise<ExistingTarget> {
  try {
    const status = await folder.lstat(base);
    return status.isFile() ? 'file' : status.isDirectory() ? 'folder' : 'something else';
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 'nothing';
    throw fileError('unwritable-file', `${folder.path}/${base}`, cause);
  }
}

export interface WantedFile {
  readonly cid: CID;
  readonly size: number;
  /** Hexadecimal, when known. */
  readonly sha256: string | null;
}

/** True when the target already holds these bytes. Throws `already-exists` for anything else unless it may be replaced. */
export async function isThereAlready(
  folder: FolderHandle,
  base: string,
  wanted: WantedFile,
  force: boolean,
): Promise<boolean> {
  const there = await whatIsAt(folder, base);
  if (there === 'nothing') return false;
  const path = `${folder.path}/${base}`;
  if (there === 'file') {
    if (await hasContent(folder, base, wanted)) return true;
    if (force) return false;
    throw alreadyExists(path);
  }
  throw new ChordialError(
    'already-exists',
    `${path} is a ${there === 'folder' ? 'folder' : 'link or special file'}, and a file was to be written there. Name another place with -o.`,
  );
}

/** Determined by chunking it again; nothing is fetched. */
export async function hasContent(
  folder: FolderHandle,
  base: string,
  { cid, size, sha256 }: WantedFile,
): Promise<boolean> {
  const path = `${folder.path}/${base}`;
  try {
    const file = await folder.file(base);
    try {
      if ((await file.stat()).size !== size) return false;
      const pool = new LeafPool();
      const built = await buildOfLeaves(leavesOf(file, path, pool), async ({ bytes }) => pool.giveBack(bytes), {
        wholeHash: sha256 !== null,
      });
      // Content of other tools may be chunked differently: then the hash of the whole decides, when known.
      return built.cid.equals(cid) || (sha256 !== null && built.sha256 === sha256);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  }
}

export function alreadyExists(path: string): ChordialError {
  return new ChordialError(
    'already-exists',
    `${path} is there with other bytes and was kept. Add --force to replace it, or -o to write elsewhere.`,
  );
}
