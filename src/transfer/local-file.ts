/** Files of this machine: read as a stream, and what goes wrong with them put into words. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { leafBytes } from '../content/leaf-pool.ts';
import { ChordialError, type ErrorCode } from '../errors.ts';

const pieceBytes = 1024 * 1024;

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
 * then `piecesOf` reads it. A small file costs one read, and memory for no more than it holds. The file stays open.
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

/** The bytes from the start; the next piece is read while one is looked at, which is valid until the next is asked for. Closes the file. */
export async function* piecesOf(file: FileHandle, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const buffers = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)] as const;
  let position = 0;
  const read = (turn: number) => file.read(buffers[turn % 2 === 0 ? 0 : 1], 0, pieceBytes, position);
  let coming = read(0);
  try {
    for (let turn = 0; ; turn++) {
      const { bytesRead, buffer } = await coming;
      if (bytesRead === 0) return;
      position += bytesRead;
      coming = read(turn + 1);
      coming.catch(() => undefined);
      yield buffer.subarray(0, bytesRead);
    }
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  } finally {
    await coming.catch(() => undefined);
    await file.close();
  }
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
