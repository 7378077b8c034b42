/** Reads local files as streams and turns their failures into ChordialErrors. */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { checkedAttributes, type FileAttributes } from '../content/attributes.ts';
import { type LeafPool, leafBytes } from '../content/leaf-pool.ts';
import { ChordialError, type ErrorCode } from '../errors.ts';

/** Opens for reading; a link as last component is followed only with `followLink`. Throws `unreadable-file`. */
export async function openToRead(path: string, followLink: boolean): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLink ? 0 : constants.O_NOFOLLOW);
  try {
    return await open(path, flags);
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  }
}

/** Tells whether a file has changed since. */
type Look = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino' | 'dev'>;

/**
 * After a read: whether the file is unchanged, so that the bytes are a consistent snapshot. Throws `changed-while-read`
 * when it was written, truncated, replaced or removed meanwhile.
 * @param look status of what has its name now
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
 * The bytes from the start, each piece in its own buffer. The last piece is delivered only after `check` succeeds. The
 * file stays open.
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
 * All bytes of a file whose status gives its size, or null when it is larger than a leaf or grows while read: then
 * `leavesOf` reads it. A small file costs one read, and memory for no more than its size. The file stays open.
 */
export async function wholeOf(file: FileHandle, path: string, size: number): Promise<Uint8Array | null> {
  if (size > leafBytes) return null;
  // One extra byte detects growth.
  const bytes = Buffer.allocUnsafeSlow(size + 1);
  let filled = 0;
  try {
    // A short read at the expected size is the end; an earlier one is repeated.
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
 * The bytes from the start, cut into leaves in pooled buffers owned by the consumer, with one leaf of read-ahead. The
 * last is shorter, in its own buffer; an empty file has one empty leaf. The file stays open.
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

/** A file system failure as a ChordialError naming the file. ChordialErrors pass unchanged. */
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
