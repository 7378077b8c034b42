/** Changes chordial.toml as a person would: the lines of the settings, and nothing else. */
import { realpath, stat } from 'node:fs/promises';
import { parse } from 'smol-toml';
import { ChordialError } from '../errors.ts';
import { writeFileDurably } from '../storage/durable-file.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { errnoOf } from '../storage/system-error.ts';
import { type SettingKey, type SettingValue, settingName, settings } from './settings.ts';
import { lineOf, maxFileBytes, parseSettings } from './settings-file.ts';

/** Null removes a setting. */
export type SettingChanges = ReadonlyMap<SettingKey, SettingValue | null>;

/** The file may be absent. Throws `bad-configuration`, and then the file is as before. */
export async function changeSettingsFile(file: string, changes: SettingChanges): Promise<void> {
  try {
    const target = await realpath(file).catch(() => file);
    const [text, mode] = await Promise.all([readSmallFile(target, maxFileBytes), stat(target)]).then(
      ([bytes, status]) => [bytes.toString(), status.mode & 0o777] as const,
      (error) => {
        if (errnoOf(error) === 'ENOENT') return ['', 0o600] as const;
        throw error;
      },
    );
    const changed = withChanges(text, file, changes);
    if (changed !== text) await writeFileDurably(target, Buffer.from(changed), mode);
  } catch (error) {
    if (error instanceof ChordialError) throw error;
    const message = `${file} cannot be changed (${(error as Error).message}), so nothing was. Correct its permissions, or change it by hand.`;
    throw new ChordialError('bad-configuration', message, { cause: error });
  }
}

/** Throws `bad-configuration` for a file that says otherwise than its lines show. */
export function withChanges(text: string, file: string, changes: SettingChanges): string {
  const before = parseSettings(text, file);
  let lines = text.split('\n');
  for (const [key, value] of changes) {
    const name = settingName(key);
    const at = before.has(key) ? lineOf(lines.join('\n'), name) - 1 : -1;
    const added = value === null ? [] : [`${name} = ${tomlOf(key, value)}`];
    if (at >= 0) lines = [...lines.slice(0, at), ...added, ...lines.slice(at + linesOfValue(lines, at))];
    else if (value !== null) lines = [...withoutEnd(lines), ...added, ''];
  }
  const changed = lines.join('\n');
  const after = parseSettings(changed, file);
  const isMeant = settings.every(({ key }) => {
    const wanted = changes.has(key) ? changes.get(key) : before.get(key)?.value;
    return String(after.get(key)?.value ?? null) === String(wanted ?? null);
  });
  if (isMeant) return changed;
  throw new ChordialError(
    'bad-configuration',
    `${file} is written in a way that cannot be changed here. Change it by hand.`,
  );
}

/** A list may go over several lines. */
function linesOfValue(lines: readonly string[], at: number): number {
  for (let count = 1; at + count <= lines.length; count++) {
    try {
      parse(lines.slice(at, at + count).join('\n'));
      return count;
    } catch {}
  }
  return 1;
}

function withoutEnd(lines: readonly string[]): readonly string[] {
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function tomlOf(key: SettingKey, value: SettingValue): string {
  const kind = settings.find((one) => one.key === key)?.kind;
  if (kind === 'yes-no') return String(value === true || value === 'yes' || value === 'true');
  // JSON strings are TOML strings.
  return JSON.stringify(value);
}
