/**
 * Small files of a running peer for other programs of the same user on the same machine, unreadable for other users, in
 * `$XDG_RUNTIME_DIR/chordial`, else in `~/.local/state/chordial/run`. Removed when the peer stops; they remain after a
 * crash, so a reader makes the peer named there prove them.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { smallBytes } from './small-file.ts';

const maxFileBytes = 64 * 1024;
const othersBits = 0o077;

/** Absolute. For a user without a home it is in the temporary folder, and used only if it belongs to this user alone. */
export function runtimeFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment['XDG_RUNTIME_DIR'];
  if (given !== undefined && path.isAbsolute(given)) return path.join(given, 'chordial');
  const home = homeFolder();
  if (home === null) return path.join(tmpdir(), `chordial-run-${process.getuid?.() ?? 'user'}`);
  return path.join(home, '.local', 'state', 'chordial', 'run');
}

/** Absolute; null for a user without a home according to HOME and the system. */
export function homeFolder(): string | null {
  try {
    const home = homedir();
    return path.isAbsolute(home) ? home : null;
  } catch {
    return null;
  }
}

/**
 * `127.0.0.1:4848` and `.invite` make one name; addresses contain no characters that are special in file names, except
 * these.
 */
export function runtimeFile(address: string, suffix: string): string {
  return `${address.replaceAll(/[[\]]/g, '').replaceAll(':', '_')}${suffix}`;
}

/** Replaces the file, mode 0600. Throws `unwritable-file` where the folder is not private to this user. */
export async function writeRuntimeFile(name: string, text: string, folder = runtimeFolder()): Promise<void> {
  const target = path.join(folder, name);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const fault = await faultOf(folder);
    if (fault !== null) throw new Error(fault);
    const temporary = `${target}.${process.pid}.new`;
    await rm(temporary, { force: true });
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    const message = `${target} cannot be written: ${(cause as Error).message}. Make ${folder} a folder of this user with mode 0700, or set XDG_RUNTIME_DIR.`;
    throw new ChordialError('unwritable-file', message, { cause });
  }
}

/** Null when absent, or when another user could have written it. */
export async function readRuntimeFile(name: string, folder = runtimeFolder()): Promise<string | null> {
  try {
    if ((await faultOf(folder)) !== null) return null;
    const file = await open(path.join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return isOwn(await file.stat()) ? (await smallBytes(file, maxFileBytes)).toString() : null;
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

/** Names of files with this suffix. */
export async function listRuntimeFiles(suffix: string, folder = runtimeFolder()): Promise<readonly string[]> {
  try {
    if ((await faultOf(folder)) !== null) return [];
    return (await readdir(folder)).filter((name) => name.endsWith(suffix)).sort();
  } catch {
    return [];
  }
}

/** Unless another peer has replaced it. */
export async function removeRuntimeFile(name: string, text: string, folder = runtimeFolder()): Promise<void> {
  if ((await readRuntimeFile(name, folder)) === text) await rm(path.join(folder, name), { force: true });
}

async function faultOf(place: string): Promise<string | null> {
  const status = await lstat(place);
  if (!status.isDirectory()) return 'it is no folder';
  return isOwn(status) ? null : 'other users own it or may enter it';
}

/** On Windows the user's profile is private by default. */
function isOwn({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & othersBits) === 0);
}
