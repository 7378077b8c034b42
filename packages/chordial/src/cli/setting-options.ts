/** Settings of a peer as command options, for `start` and for commands that inspect them. */
import { type Command, Option } from 'commander';
import { type EffectiveConfiguration, effectiveConfiguration } from '../peer/effective-settings.ts';
import { type ConfigurationText, type SettingKey, settingFlag, settings, settingVariable } from '../peer/settings.ts';

export type SettingOptions = ConfigurationText & { readonly config?: string };

/** `bare`: settings that the command takes without a value too, and means something else by. */
export function addSettingOptions(to: Command, bare: readonly SettingKey[] = []): Command {
  for (const { key, kind, argument, description, whenAbsent } of settings) {
    const value = bare.includes(key) ? `[${argument}]` : `<${argument}>`;
    const flags = kind === 'switch' ? settingFlag(key) : `${settingFlag(key)} ${value}`;
    const option = new Option(flags, `${description} (default: ${whenAbsent}; ${settingVariable(key)})`);
    if (kind === 'list') option.argParser(collect);
    if (kind === 'paths') option.argParser((value: string, before: readonly string[] = []) => [...before, value]);
    to.addOption(option);
  }
  return to.option('--config <file>', 'settings as TOML (default: chordial.toml in the data folder; CHORDIAL_CONFIG)');
}

/** The effective settings from flags, environment and file. */
export function settingsOf(options: SettingOptions): Promise<EffectiveConfiguration> {
  return effectiveConfiguration(options, options.config);
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...value.split(/[\s,]+/).filter((one) => one !== '')];
}
