/** Files of this machine: read as a stream, and what goes wrong with them put into words. */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { checkedAttributes, type FileAttributes } from '../content/attributes.ts';
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

/** By which a later look tells whether it is still the same. */
type Look = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino' | 'dev'>;

/**
 * After a read: whether the file is what it was before, so that its bytes are those of one moment. Throws
 * `changed-while-read` when it was written to, cut, replaced or removed meanwhile.
 * @param look at what has its name now.
 */
export async function checkUnchanged(
  file: FileHandle,
  path: string,
  before: Look,
  look: () => Promise<Look> = () => stat(path, { bigint: true }),
): Promise<void> {
  const [opened, named] = await Promise.all([file.stat({ bigint: true }), look().catch(goneOr)]);
  if (named === null) throw changedWhileRead(path, 'it was removed');
  if (named.ino !== before.ino || named.dev !== before.dev) throw changedWhileRead(path, 'another file took its place');
  if (opened.size !== before.size) throw changedWhileRead(path, `it had ${before.size} bytes and has ${opened.size}`);
  if (opened.mtimeNs !== before.mtimeNs || opened.ctimeNs !== before.ctimeNs)
    throw changedWhileRead(path, 'it was written to');
}

function goneOr(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

export function changedWhileRead(path: string, what: string): ChordialError {
  return new ChordialError(
    'changed-while-read',
    `${path} changed while it was read: ${what}. It was not published; put it again when no program writes to it.`,
  );
}

export function attributesOf({ mtimeMs, mode }: Pick<BigIntStats, 'mtimeMs' | 'mode'>): FileAttributes {
  return checkedAttributes(Number(mtimeMs), (mode & 0o100n) !== 0n);
}

const pieceBytes = 256 * 1024;

/**
 * The bytes from the start as they are read, each piece in a buffer of its own. The last piece comes when `check` has
 * found nothing wrong. The file stays open.
 */
export async function* piecesOf(
  file: FileHandle,
  path: string,
  check: () => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let last: Uint8Array | null = null;
  try {
    for (let position = 0; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(pieceBytes), 0, pieceBytes, position);
      if (bytesRead === 0) break;
      if (last !== null) yield last;
      last = buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
    await check();
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  }
  if (last !== null) yield last;
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
 * The bytes from the start, cut into leaves in buffers of the pool, which belong to the one that takes them; the next one is read
 * while one is looked at. The last is shorter and in a buffer of its own; an empty file has one without bytes. The file stays open.
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
