/**
 * What a running peer leaves for other programs of the same user on the same machine: small files that other users cannot read,
 * in `$XDG_RUNTIME_DIR/chordial`, else in `~/.local/state/chordial/run`. They are gone when the peer stops; after a crash
 * they stay, so a program that reads one has it proved by the peer that it names.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { smallBytes } from './small-file.ts';

const maxFileBytes = 64 * 1024;
const othersBits = 0o077;

/** Absolute. For a user without a home in the folder for temporary files, where it serves only if it is this user's alone. */
export function runtimeFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment['XDG_RUNTIME_DIR'];
  if (given !== undefined && path.isAbsolute(given)) return path.join(given, 'chordial');
  const home = homeFolder();
  if (home === null) return path.join(tmpdir(), `chordial-run-${process.getuid?.() ?? 'user'}`);
  return path.join(home, '.local', 'state', 'chordial', 'run');
}

/** Absolute; null for a user whose home neither HOME nor the system's list of users tells. */
export function homeFolder(): string | null {
  try {
    const home = homedir();
    return path.isAbsolute(home) ? home : null;
  } catch {
    return null;
  }
}

/** `127.0.0.1:4848` and `.invite` make one name; an address has no other characters that a file system minds. */
export function runtimeFile(address: string, suffix: string): string {
  return `${address.replaceAll(/[[\]]/g, '').replaceAll(':', '_')}${suffix}`;
}

/** Replaces the file, mode 0600. Throws `unwritable-file` where the folder is not this user's alone. */
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

/** Null where there is none, or none that only this user can have written. */
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

/** Names of the files that end so. */
export async function listRuntimeFiles(suffix: string, folder = runtimeFolder()): Promise<readonly string[]> {
  try {
    if ((await faultOf(folder)) !== null) return [];
    return (await readdir(folder)).filter((name) => name.endsWith(suffix)).sort();
  } catch {
    return [];
  }
}

/** Unless another peer has replaced it meanwhile. */
export async function removeRuntimeFile(name: string, text: string, folder = runtimeFolder()): Promise<void> {
  if ((await readRuntimeFile(name, folder)) === text) await rm(path.join(folder, name), { force: true });
}

async function faultOf(place: string): Promise<string | null> {
  const status = await lstat(place);
  if (!status.isDirectory()) return 'it is no folder';
  return isOwn(status) ? null : 'other users own it or may enter it';
}

/** Windows keeps what lies in a user's profile from others by itself. */
function isOwn({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & othersBits) === 0);
}
