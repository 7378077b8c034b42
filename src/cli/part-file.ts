/** `PATH.part`: where a file grows until it is whole. Made by the command itself, so that it is the user's, and no link. */
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';

/** Creates the file and the folders above it. What an earlier get left there is removed first; anything else stays. */
export async function createPart(target: string): Promise<FileHandle> {
  const part = `${target}.part`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    await mkdir(path.dirname(target), { recursive: true });
    await removeLeftover(part);
    return await open(part, flags, 0o644);
  } catch (error) {
    throw unwritable(part, error as NodeJS.ErrnoException);
  }
}

/** Gives the finished file its name; without `force` it never takes the place of another. */
export async function finishPart(target: string, force: boolean): Promise<void> {
  const part = `${target}.part`;
  try {
    if (force) return await rename(part, target);
    // link fails when the target exists, rename would replace it.
    await link(part, target);
    await unlink(part);
  } catch (error) {
    await dropPart(target);
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw otherBytes(target);
    throw unwritable(target, error as NodeJS.ErrnoException);
  }
}

export async function dropPart(target: string): Promise<void> {
  await unlink(`${target}.part`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw unwritable(`${target}.part`, error);
  });
}

/** Whether an earlier get left a part there. */
export async function hasPart(target: string): Promise<boolean> {
  return (await lstat(`${target}.part`).catch(() => null))?.isFile() === true;
}

/** Removes the part only while it still holds the nonce: the peer has not touched it. */
export async function dropUntouchedPart(target: string, nonce: string): Promise<void> {
  const part = `${target}.part`;
  const found = await lstat(part).catch(() => null);
  if (found?.isFile() && found.size === nonce.length && (await readFile(part, 'utf8')) === nonce)
    await dropPart(target);
}

export function otherBytes(target: string): ChordialError {
  return new ChordialError(
    'already-exists',
    `${target} is there with other bytes and was kept. Add --force to replace it, or -o to write elsewhere.`,
  );
}

async function removeLeftover(part: string): Promise<void> {
  const found = await lstat(part).catch(() => null);
  if (found === null) return;
  if (found.isFile()) return unlink(part);
  throw new ChordialError(
    'already-exists',
    `${part} is in the way and is no file that a get left behind. Remove it, or write elsewhere with -o.`,
  );
}

export function unwritable(file: string, error: NodeJS.ErrnoException): Error {
  if (error instanceof ChordialError) return error;
  const code = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'disk-full' : 'unwritable-file';
  const remedy =
    code === 'disk-full'
      ? 'Make room or write elsewhere with -o'
      : 'Write elsewhere with -o, or change the permissions';
  return new ChordialError(code, `${file} cannot be written (${error.message}). ${remedy}.`, { cause: error });
}
