/** Numbers with units as written on the command line and in settings: `10G`, `7d`, `3`. */
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { homeFolder } from '../storage/runtime-folder.ts';

const bytesPerUnit: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

const millisecondsPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  '': 1_000,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `500M`, `10G`, `10GiB`, `0`: units are powers of 1024. Throws `bad-usage` naming `what`. */
export function parseSize(text: string, what: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const unit = bytesPerUnit[(parts?.[2] ?? '').toUpperCase()];
  const bytes = parts === null || unit === undefined ? Number.NaN : Math.floor(Number(parts[1]) * unit);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw badQuantity(
    text,
    what,
    'a size',
    'a number of bytes with an optional unit K, M, G or T, for example 500M or 10G',
  );
}

/** `500ms`, `90s`, `30m`, `12h`, `7d`, `2w`; a bare number means seconds. Milliseconds, more than 0. Throws `bad-usage`. */
export function parseDuration(text: string, what: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/i.exec(text.trim());
  const unit = millisecondsPerUnit[(parts?.[2] ?? '').toLowerCase()];
  const milliseconds = parts === null || unit === undefined ? Number.NaN : Math.round(Number(parts[1]) * unit);
  if (Number.isSafeInteger(milliseconds) && milliseconds > 0) return milliseconds;
  throw badQuantity(text, what, 'a time', 'a number above 0 with a unit ms, s, m, h, d or w, for example 90s or 7d');
}

/** A whole number from `least` to `most`. Throws `bad-usage` naming `what`. */
export function parseWhole(text: string, what: string, least: number, most: number): number {
  const number = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw badQuantity(text, what, 'right', `a whole number from ${least} to ${most}`);
}

/** `340 ms`, `1.2 s`, `3 min`, `5 h`, `12 d`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  if (milliseconds < 7_200_000) return `${Math.round(milliseconds / 60_000)} min`;
  if (milliseconds < 172_800_000) return `${Math.round(milliseconds / 3_600_000)} h`;
  return `${Math.round(milliseconds / 86_400_000)} d`;
}

function badQuantity(text: string, what: string, kind: string, right: string): ChordialError {
  const shown = JSON.stringify(text.slice(0, 80));
  return new ChordialError('bad-usage', `${what} ${shown} is not ${kind}. Give ${right}.`);
}

/**
 * An absolute path. `~` and `~/…` expand to the user's home, since settings pass through no shell. Throws `bad-usage`
 * for `~name`, and without a home.
 * @param folder base of relative paths
 */
export function parsePath(text: string, place: string, folder = process.cwd()): string {
  if (text !== '~' && !text.startsWith('~/')) {
    if (!text.startsWith('~')) return path.resolve(folder, text);
    throw new ChordialError(
      'bad-usage',
      `${place} ${JSON.stringify(text)}: only "~" and "~/…" lead to a home, that of this user. Give the whole path, or begin with "./" for a name with "~".`,
    );
  }
  const home = homeFolder();
  if (home !== null) return path.join(home, text.slice(1));
  throw new ChordialError('bad-usage', `${place} ${JSON.stringify(text)}: this user has no home. Give the whole path.`);
}
