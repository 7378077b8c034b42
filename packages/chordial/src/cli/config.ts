/** `chordial config`: the effective settings and the source of each. */
import type { Command } from 'commander';
import { type SettingKey, settingName, settings } from '../peer/settings.ts';
import { type CommonOptions, command } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { addSettingOptions, type SettingOptions, settingsOf } from './setting-options.ts';
import { table } from './table.ts';

export function configCommand(): Command {
  const config = command(
    'config',
    'shows the settings that "chordial start" would use with the same flags, and their sources',
    'chordial config --config /etc/chordial.toml',
  );
  return addSettingOptions(config).action(async (options: CommonOptions & SettingOptions) => {
    const effective = await settingsOf(options);
    if (options.json === true) {
      const shown = effective.settings.map(({ key, ...rest }) => ({ name: settingName(key), ...rest }));
      sayJson({ file: effective.file, data: effective.configuration.data, settings: shown });
      return;
    }
    const rows = effective.settings.map(({ key, value, source }) => [
      settingName(key),
      value === null ? whenAbsent(key) : String(value),
      source,
    ]);
    say(table([{ title: 'setting' }, { title: 'value' }, { title: 'from' }], rows));
    note(effective.file === null ? `no chordial.toml in ${effective.configuration.data}` : `read ${effective.file}`);
  });
}

function whenAbsent(key: SettingKey): string {
  return settings.find((setting) => setting.key === key)?.whenAbsent ?? '';
}
