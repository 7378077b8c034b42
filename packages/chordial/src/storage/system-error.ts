/** Errors of the operating system and of SQLite. */
import { ChordialError } from '../errors.ts';

/** SQLite's result codes, https://www.sqlite.org/rescode.html; the low byte of an extended code is the primary one. */
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteNotADatabase = 26;

/** The name of a system error (`ENOENT`, …), or null for any other value. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

export function isSqliteBusy(error: unknown): boolean {
  return primaryCode(error) === sqliteBusy;
}

export function isSqliteDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === sqliteCorrupt || code === sqliteNotADatabase;
}

/** A full disk as ChordialError('disk-full') naming the place; any other error unchanged. */
export function withDiskFull(error: unknown, place: string): unknown {
  const errno = errnoOf(error);
  if (errno !== 'ENOSPC' && errno !== 'EDQUOT' && primaryCode(error) !== sqliteFull) return error;
  const message = `The disk that holds ${place} is full: what did not fit was not kept, and nothing is half-written. Free some space.`;
  return new ChordialError('disk-full', message, { cause: error });
}

function primaryCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : null;
}
