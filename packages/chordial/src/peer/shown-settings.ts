/** The settings of a peer as interfaces show and change them. */
import type { Setting, SettingUnit } from './settings.ts';

export interface ShownSetting {
  readonly name: string;
  readonly kind: Setting['kind'];
  readonly description: string;
  /** As text, several separated by commas; null: its default. */
  readonly value: string | null;
  readonly source: string;
  readonly default: string;
  /** Of a quantity; null where it has none. */
  readonly unit: SettingUnit | null;
  /** Null where any value of its kind will do. */
  readonly choices: readonly string[] | null;
  /** Several choices, separated by commas. */
  readonly takesSeveral: boolean;
  readonly example: string;
  readonly changes: 'now' | 'restart' | 'never';
  /** What holds after the next start. */
  readonly next: string | null;
}

/** In bytes. */
export interface OwnDisk {
  readonly quota: number;
  /** Of replicas. */
  readonly used: number;
  /** Besides, evicted first. */
  readonly cached: number;
  /** On the disk, for any program. */
  readonly free: number;
}

export interface ShownSettings {
  /** Where changes are kept. */
  readonly file: string;
  readonly settings: readonly ShownSetting[];
  readonly disk: OwnDisk;
  /** What the one who changed settings should know. */
  readonly notes: readonly string[];
}

export interface ChangingSettings {
  list(): Promise<ShownSettings>;
  /**
   * All of them or none; null is the default. Rejects with `bad-request`, `bad-usage`, `bad-address` or
   * `bad-configuration`, naming the setting.
   */
  change(changes: Readonly<Record<string, string | null>>): Promise<ShownSettings>;
}
