/** Files of this machine: read as a stream, and what goes wrong with them put into words. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type LeafPool, leafBytes } from '../content/leaf-pool.ts';
import { ChordialError, type ErrorCode } from '../errors.ts';

/** Opens for reading; the last component may be a link only when `followLink`. Throws `unreadable-file`. */
export async function openToRead(path: string, followLink: boolean): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLink ? 0 : constants.O_NOFOLLOW);
  try {
    return await open(path, flags);
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  }
}

/**
 * All the bytes of a file whose status tells its size, or null when it is larger than a leaf or grows while it is read:
 * then `leavesOf` reads it. A small file costs one read, and memory for no more than it holds. The file stays open.
 */
export async function wholeOf(file: FileHandle, path: string, size: number): Promise<Uint8Array | null> {
  if (size > leafBytes) return null;
  // One more than there should be tells whether it grew.
  const bytes = Buffer.allocUnsafeSlow(size + 1);
  let filled = 0;
  try {
    // A read that stops where the status says is at the end; one that stops before is asked again.
    do {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    } while (filled < size);
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  }
  return filled > size ? null : bytes.subarray(0, filled);
}

/**
 * The bytes from the start, cut into leaves in buffers of the pool, which belong to whoever takes them; the next one is read
 * while one is looked at. The last is shorter and in a buffer of its own; an empty file has one without bytes. Closes the file.
 */
export async function* leavesOf(
  file: FileHandle,
  path: string,
  pool: LeafPool,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = 0;
  let coming = readLeaf(file, position, pool);
  try {
    for (;;) {
      const { leaf, filled } = await coming;
      if (filled < leaf.length) {
        const last = leaf.slice(0, filled);
        pool.giveBack(leaf);
        if (filled > 0 || position === 0) yield last;
        return;
      }
      position += filled;
      coming = readLeaf(file, position, pool);
      coming.catch(() => undefined);
      yield leaf;
    }
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  } finally {
    await coming.catch(() => undefined);
    await file.close();
  }
}

async function readLeaf(
  file: FileHandle,
  position: number,
  pool: LeafPool,
): Promise<{ readonly leaf: Uint8Array; readonly filled: number }> {
  const leaf = pool.take();
  let filled = 0;
  while (filled < leaf.length) {
    const { bytesRead } = await file.read(leaf, filled, leaf.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return { leaf, filled };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there; check the path',
  ENOTDIR: 'a part of its path is no folder; check the path',
  EACCES: 'permission is denied; change its permissions or run as another user',
  EPERM: 'permission is denied; change its permissions or run as another user',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a link, and links are not followed here',
  EROFS: 'the file system is read-only; choose another place',
  EEXIST: 'something is already there',
  ENAMETOOLONG: 'its name is too long for this file system; choose another with -o',
};

/** A failure of the file system as a ChordialError that names the file. ChordialErrors pass through. */
export function fileError(code: ErrorCode, path: string, cause: unknown): ChordialError {
  if (cause instanceof ChordialError) return cause;
  const errno = (cause as NodeJS.ErrnoException).code ?? '';
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new ChordialError(
      'disk-full',
      `There is no room for ${path} on its disk. Free some or choose another place.`,
      { cause },
    );
  }
  const verb = code === 'unwritable-file' ? 'written' : 'read';
  return new ChordialError(code, `${path} cannot be ${verb}: ${reasons[errno] ?? (cause as Error).message}.`, {
    cause,
  });
}
