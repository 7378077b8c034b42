/** chordial.toml: settings of a peer as a file. Errors name the key, the line and the remedy. */
import path from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { ChordialError } from '../errors.ts';
import { readSmallFile, UnfitFileError } from '../storage/small-file.ts';
import { parsePath } from './quantities.ts';
import { type Setting, type SettingKey, type SettingValue, settingName, settings } from './settings.ts';

export const settingsFileName = 'chordial.toml';
/** 64 peers to join make 20 KB. */
export const maxFileBytes = 256 * 1024;

export interface FileSetting {
  readonly value: SettingValue;
  /** Counted from 1. */
  readonly line: number;
}

export type FileSettings = ReadonlyMap<SettingKey, FileSetting>;

/** Null when there is no such file. Throws `unreadable-file` or `bad-configuration`. */
export async function readSettingsFile(file: string): Promise<FileSettings | null> {
  let text: string;
  try {
    text = (await readSmallFile(file, maxFileBytes)).toString();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (error instanceof UnfitFileError)
      throw bad(`The configuration ${file} cannot be read: ${message}. Is it the right file?`, error);
    throw new ChordialError(
      'unreadable-file',
      `The configuration ${file} cannot be read (${message}). Correct its permissions, or name another with --config FILE.`,
      { cause: error },
    );
  }
  return parseSettings(text, file);
}

/** Throws `bad-configuration`. */
export function parseSettings(text: string, file: string): FileSettings {
  const found = new Map<SettingKey, FileSetting>();
  for (const [name, raw] of Object.entries(tableOf(text, file))) {
    const line = lineOf(text, name);
    const place = `${JSON.stringify(name)} in line ${line} of ${file}`;
    const setting = settings.find(({ key }) => settingName(key) === name);
    if (setting === undefined) throw unknownKey(name, place);
    found.set(setting.key, { value: settingIn(raw, setting, place, path.dirname(file)), line });
  }
  return found;
}

function tableOf(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n', 1)[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw bad(
      `Line ${error.line} of ${file}, column ${error.column}, is not TOML: ${reason}. Write settings as KEY = VALUE, with texts in quotes, for example listen = "0.0.0.0:4848".`,
      error,
    );
  }
}

function settingIn(raw: unknown, { kind, example }: Setting, place: string, folder: string): SettingValue {
  if (kind === 'switch') {
    if (typeof raw === 'boolean') return raw;
  } else if (kind === 'yes-no' && typeof raw === 'boolean') {
    return raw ? 'yes' : 'no';
  } else if (kind === 'list' || kind === 'paths') {
    const all: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
    if (all.every((one) => typeof one === 'string')) {
      return kind === 'list' ? all : all.map((one) => pathIn(one, place, folder));
    }
  } else if (typeof raw === 'string') {
    return kind === 'path' ? pathIn(raw, place, folder) : raw;
  } else if (kind === 'quantity' && isWhole(raw)) {
    return raw.toString();
  }
  throw bad(
    `${place} has a value of the wrong type. Write it like this: ${example}${kind === 'switch' || kind === 'yes-no' ? ' (or false)' : ''}`,
  );
}

function pathIn(text: string, place: string, folder: string): string {
  try {
    return parsePath(text, place, folder);
  } catch (error) {
    throw error instanceof ChordialError ? bad(error.message, error) : error;
  }
}

function isWhole(raw: unknown): raw is number | bigint {
  return typeof raw === 'bigint' || Number.isSafeInteger(raw);
}

/** Explains to people who want another chunk size why there is none. */
const chunkSize = /^(chunk|block|leaf|piece)(size|bytes)?$/;

function unknownKey(name: string, place: string): ChordialError {
  const bare = letters(name);
  if (chunkSize.test(bare)) {
    return bad(
      `${place} cannot be set: the chunk size is 1 MiB, a constant of the CID profile unixfs-v1-2025, so that the same file has the same CID everywhere. Remove the line.`,
    );
  }
  const names = settings.map(({ key }) => settingName(key));
  const meant = names.find((one) => letters(one) === bare) ?? names.find((one) => isNear(letters(one), bare));
  const remedy = meant === undefined ? `Remove it; there are: ${names.join(', ')}.` : `Did you mean ${meant}?`;
  return bad(`${place} is not a setting. ${remedy}`);
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '');
}

/** One is a prefix of the other, or they differ in one letter. */
function isNear(one: string, other: string): boolean {
  if (other.length < 3) return false;
  if (one.startsWith(other) || other.startsWith(one)) return true;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  const rest = (text: string, by: number): string => text.slice(start + by);
  return rest(one, 1) === rest(other, 1) || rest(one, 1) === rest(other, 0) || rest(one, 0) === rest(other, 1);
}

/** Keys are at the beginning of lines; the parser reports no positions. */
export function lineOf(text: string, name: string): number {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => {
    const start = line.trimStart().replace(/^\[+\s*/, '');
    return start.startsWith(name) || start.startsWith(`"${name}"`) || start.startsWith(`'${name}'`)
      ? /^["']?\s*[=.\]]/.test(start.slice(start.indexOf(name) + name.length))
      : false;
  });
  return at + 1;
}

function bad(message: string, cause?: unknown): ChordialError {
  return new ChordialError('bad-configuration', message, { cause });
}
