/**
 * The proof that whoever asks this peer to write a file may write there (spec/5): it has made `PATH.part` holding a
 * nonce. Only that very file is written, which device and inode tell; never one reached through a link.
 */
import { constants } from 'node:fs';
import { lstat, open, rm } from 'node:fs/promises';
import { ChordialError } from '../errors.ts';
import { fileError } from './local-file.ts';

export interface FileMark {
  readonly device: string;
  readonly inode: string;
}

const maximumNonceBytes = 256;
const minimumNonceBytes = 16;

/** Throws `unwritable-file` unless `path` is a regular file with exactly the nonce in it. */
export async function admit(path: string, nonce: string): Promise<FileMark> {
  const wanted = Buffer.from(nonce);
  if (wanted.length < minimumNonceBytes || wanted.length > maximumNonceBytes) {
    throw new ChordialError(
      'bad-request',
      `A nonce has ${minimumNonceBytes} to ${maximumNonceBytes} bytes, this one ${wanted.length}.`,
    );
  }
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const status = await file.stat({ bigint: true });
      // By its size first: after a broken get it holds a file, which may be larger than memory.
      const fits = status.isFile() && status.size === BigInt(wanted.length);
      if (!fits || !(await file.readFile()).equals(wanted)) throw notAdmitted(path);
      return { device: String(status.dev), inode: String(status.ino) };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError('unwritable-file', path, cause);
  }
}

/** Removes the file that was admitted if nothing but its nonce ever came into it. */
export async function removeUnused(path: string, nonce: string): Promise<void> {
  try {
    await admit(path, nonce);
    await rm(path);
  } catch (error) {
    // Not the nonce any more: it is the target by now, or holds what a later attempt can use.
    if (!(error instanceof ChordialError)) throw error;
  }
}

/** Throws `unwritable-file` unless `path` is still the admitted file, or has been moved away by this peer itself. */
export async function checkMark(path: string, mark: FileMark): Promise<void> {
  let status: Awaited<ReturnType<typeof lstatBig>>;
  try {
    status = await lstatBig(path);
  } catch (cause) {
    throw fileError('unwritable-file', path, cause);
  }
  const same = String(status.dev) === mark.device && String(status.ino) === mark.inode;
  if (!same || !status.isFile()) throw notAdmitted(path);
}

function lstatBig(path: string) {
  return lstat(path, { bigint: true });
}

function notAdmitted(path: string): ChordialError {
  return new ChordialError(
    'unwritable-file',
    `${path} is not the file with the nonce that proves that you may write there. Make it anew, as a regular file, and start the transfer again.`,
  );
}
