/** The settings of a running peer with their sources, and changes of them: kept in chordial.toml, at once where that can be. */
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { changeSettingsFile } from './changed-settings.ts';
import { type PeerConfiguration, parseConfiguration } from './configuration.ts';
import type { PeerLimits } from './limits.ts';
import {
  type ConfigurationText,
  type EffectiveSetting,
  parseSettingTexts,
  type Setting,
  type SettingKey,
  type Settings,
  type SettingValue,
  settingName,
  settings,
} from './settings.ts';
import { settingsFileName } from './settings-file.ts';
import type { ChangingSettings, OwnDisk, ShownSetting, ShownSettings } from './shown-settings.ts';

interface Ports {
  readonly configuration: Pick<PeerConfiguration, 'data' | 'said' | 'quotaBytes'>;
  readonly limits: Pick<PeerLimits, 'status' | 'set'>;
  readonly disk: () => Promise<OwnDisk>;
  /** Carries out what changes at once; undefined: its default. Does not fail. */
  readonly apply: { readonly [K in keyof Settings]?: (value: Settings[K]) => void };
}

const limitKey = 'limit' satisfies SettingKey;

export class PeerSettings implements ChangingSettings {
  readonly #ports: Ports;
  readonly #file: string;
  readonly #said: Map<SettingKey, EffectiveSetting>;
  /** Changed since the start. */
  readonly #next = new Map<SettingKey, SettingValue | null>();
  #changing: Promise<unknown> = Promise.resolve();

  constructor(ports: Ports) {
    const { said, data } = ports.configuration;
    this.#ports = ports;
    this.#file = said?.file ?? path.join(data, settingsFileName);
    this.#said = new Map(said?.settings.map((one) => [one.key, one]));
  }

  async list(notes: readonly string[] = []): Promise<ShownSettings> {
    const disk = await this.#ports.disk();
    return { file: this.#file, settings: settings.map((one) => this.#shown(one)), disk, notes };
  }

  /**
   * All of them or none; null is the default. Rejects with `bad-request`, `bad-usage`, `bad-address` or
   * `bad-configuration`, naming the setting.
   */
  change(changes: Readonly<Record<string, string | null>>): Promise<ShownSettings> {
    const changed = this.#changing.then(() => this.#change(changes));
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async #change(changes: Readonly<Record<string, string | null>>): Promise<ShownSettings> {
    const wanted = new Map(Object.entries(changes).map(([name, value]) => this.#checked(name, value)));
    const text = { ...this.#textNow(), ...Object.fromEntries(wanted) };
    for (const [key, value] of wanted) if (value === null) delete text[key];
    const place = (key: SettingKey): string => JSON.stringify(settingName(key));
    parseConfiguration(text as ConfigurationText, place);
    const parsed = parseSettingTexts(text as ConfigurationText, place);
    const inFile = new Map([...wanted].filter(([key]) => key !== limitKey));
    if (inFile.size > 0) await changeSettingsFile(this.#file, inFile);
    if (wanted.has(limitKey)) await this.#ports.limits.set({ limit: (wanted.get(limitKey) ?? null) as string | null });
    const notes: string[] = [];
    for (const { key, field, changes: how = 'restart' } of settings) {
      if (!wanted.has(key)) continue;
      const before = this.#said.get(key);
      if (how === 'now') {
        const apply = this.#ports.apply[field as keyof Settings] as ((value: unknown) => void) | undefined;
        apply?.(parsed[field as keyof Settings]);
      } else notes.push(`${settingName(key)} holds after the next start of the peer.`);
      if (before !== undefined && /^(--|CHORDIAL_)/.test(before.source) && key !== limitKey)
        notes.push(`At the next start ${before.source} goes before the file: leave it out there.`);
      this.#next.set(key, wanted.get(key) ?? null);
      const value = wanted.get(key) ?? null;
      if (how === 'now') this.#said.set(key, { key, value, source: value === null ? 'default' : this.#file });
    }
    return this.list(notes);
  }

  /** Throws `bad-request`. */
  #checked(name: string, value: string | null): [SettingKey, SettingValue | null] {
    const shown = JSON.stringify(name.slice(0, 80));
    const setting = settings.find(({ key }) => settingName(key) === name);
    if (setting === undefined) {
      const names = settings.filter(({ changes }) => changes !== 'never').map(({ key }) => settingName(key));
      throw new ChordialError('bad-request', `${shown} is not a setting. There are: ${names.join(', ')}.`);
    }
    const { key, kind, changes, example } = setting;
    if (changes === 'never') {
      const message = `${shown} is not changed here, since it names files, is settled at the founding, or is where the API is. Write it into ${this.#file}, like ${example}, and start the peer again.`;
      throw new ChordialError('bad-request', message);
    }
    if (key === 'quota' && (this.#ports.configuration.quotaBytes === 0 || /^0+\D*$/.test(value ?? '')))
      throw new ChordialError(
        'bad-request',
        `${shown}: whether the peer stores anything is settled at its start. Write quota into ${this.#file} and start it again.`,
      );
    if (kind === 'path' && value !== null && !path.isAbsolute(value))
      throw new ChordialError(
        'bad-request',
        `${shown} is given as ${JSON.stringify(value.slice(0, 200))}. Give the whole path, like ${example}.`,
      );
    if (value === null || kind !== 'list') return [key, value];
    return [key, value.split(/[\s,]+/).filter((one) => one !== '')];
  }

  /** As they hold after the next start. */
  #textNow(): Partial<Record<SettingKey, SettingValue>> {
    const text: Partial<Record<SettingKey, SettingValue>> = {};
    for (const { key } of settings) {
      const value = this.#nextOf(key);
      if (value !== null) text[key] = value;
    }
    return text;
  }

  #nextOf(key: SettingKey): SettingValue | null {
    return (this.#next.has(key) ? this.#next.get(key) : this.#said.get(key)?.value) ?? null;
  }

  #shown(setting: Setting): ShownSetting {
    const {
      key,
      kind,
      description,
      whenAbsent,
      example,
      unit = null,
      choices = null,
      takesSeveral = false,
      changes: how,
    } = setting;
    const when: ShownSetting['changes'] = how ?? 'restart';
    const { value = null, source = 'default' } = this.#said.get(key) ?? {};
    const about = {
      name: settingName(key),
      kind,
      description,
      default: whenAbsent,
      unit,
      choices,
      takesSeveral,
      example,
      changes: when,
    };
    if (key !== limitKey) return { ...about, value: asText(value), source, next: asText(this.#nextOf(key)) };
    const { timetable, source: from } = this.#ports.limits.status();
    if (from === 'settings') return { ...about, value: asText(value), source, next: asText(value) };
    return { ...about, value: timetable, source: 'set while it runs', next: timetable };
  }
}

function asText(value: SettingValue | null): string | null {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === null || typeof value === 'string' ? value : value.join(',');
}
