/** Flags override the environment, which overrides the file; the source of each setting is recorded. */
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { defaultDataFolder, type PeerConfiguration, parseConfiguration } from './configuration.ts';
import {
  type ConfigurationText,
  type EffectiveSetting,
  type SettingKey,
  type SettingValue,
  settingFlag,
  settingName,
  settings,
  settingVariable,
} from './settings.ts';
import { readSettingsFile, settingsFileName } from './settings-file.ts';

export interface EffectiveConfiguration {
  readonly configuration: PeerConfiguration;
  readonly settings: readonly EffectiveSetting[];
  /** The file that was read; null without one. */
  readonly file: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Said = Readonly<{ value: SettingValue; source: string; line?: number }>;

/**
 * `file`: from --config; else CHORDIAL_CONFIG, then chordial.toml in the data folder, which may be absent. Throws
 * `unreadable-file`, `bad-configuration`, `bad-usage` or `bad-address`, naming where the bad value is.
 */
export async function effectiveConfiguration(
  flags: ConfigurationText,
  file: string | undefined,
  environment: Environment = process.env,
): Promise<EffectiveConfiguration> {
  const said = new Map<SettingKey, Said>();
  for (const { key } of settings) {
    const flag = flags[key];
    const variable = flag === undefined ? fromEnvironment(key, environment) : undefined;
    if (flag !== undefined) said.set(key, { value: flag, source: settingFlag(key) });
    else if (variable !== undefined) said.set(key, { value: variable, source: settingVariable(key) });
  }
  const found = await addFromFile(said, file ?? environment['CHORDIAL_CONFIG']);
  const text = Object.fromEntries([...said].map(([key, { value }]) => [key, value])) as ConfigurationText;
  return {
    configuration: parseConfiguration(text, (key) => placeOf(key, said.get(key))),
    settings: settings.map(({ key }) => {
      const { value = null, source = 'default', line } = said.get(key) ?? {};
      return { key, value, source: line === undefined ? source : `${source} line ${line}` };
    }),
    file: found,
  };
}

/** How errors name the place of a bad value. */
function placeOf(key: SettingKey, said: Said | undefined): string {
  if (said?.line === undefined) return said?.source ?? settingFlag(key);
  return `${JSON.stringify(settingName(key))} in line ${said.line} of ${said.source}:`;
}

/** Returns the file that was read. */
async function addFromFile(said: Map<SettingKey, Said>, named: string | undefined): Promise<string | null> {
  const inDataFolder = () => path.join(String(said.get('data')?.value ?? defaultDataFolder()), settingsFileName);
  const file = path.resolve(named ?? inDataFolder());
  const found = await readSettingsFile(file);
  if (found === null) {
    if (named === undefined) return null;
    throw new ChordialError(
      'unreadable-file',
      `There is no configuration ${file}. Name one that exists with --config FILE.`,
    );
  }
  if (named === undefined && found.has('data')) {
    throw new ChordialError(
      'bad-configuration',
      `"data" in line ${found.get('data')?.line} of ${file} cannot be set there: the file lies in the data folder that it would name. Remove the line, or start with --config FILE.`,
    );
  }
  for (const [key, { value, line }] of found) {
    if (!said.has(key)) said.set(key, { value, source: file, line });
  }
  return file;
}

/** An empty variable counts as unset. Peers to join are separated by commas or spaces, folders like those of PATH. */
function fromEnvironment(key: SettingKey, environment: Environment): SettingValue | undefined {
  const text = environment[settingVariable(key)]?.trim();
  if (text === undefined || text === '') return undefined;
  const kind = settings.find((setting) => setting.key === key)?.kind;
  if (kind === 'list') return text.split(/[\s,]+/).filter((one) => one !== '');
  if (kind === 'paths') return text.split(path.delimiter).filter((one) => one !== '');
  if (kind !== 'switch') return text;
  if (/^(true|yes|1)$/i.test(text)) return true;
  if (/^(false|no|0)$/i.test(text)) return false;
  throw new ChordialError(
    'bad-usage',
    `${settingVariable(key)} is ${JSON.stringify(text.slice(0, 80))}. Give true or false.`,
  );
}
