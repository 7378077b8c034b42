/** What of the transfers outlives the process: one setting of the catalogue, written anew with every change of a state. */
import type { FileMark } from './nonce-file.ts';
import type { TransferRequest, TransferStatus } from './transfers.ts';

export interface SettingsTable {
  setting(name: string): unknown;
  setSetting(name: string, value: unknown): Promise<void>;
}

export interface JournalEntry {
  readonly id: string;
  readonly request: TransferRequest;
  readonly state: TransferStatus['state'];
  /** The part file that the caller proved to be its own; null for a put. */
  readonly mark: FileMark | null;
  readonly error: TransferStatus['error'];
  readonly result: unknown;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly started: string;
}

const settingName = 'transfers';

export class TransferJournal {
  readonly #settings: SettingsTable;
  #writing: Promise<void> = Promise.resolve();

  constructor(settings: SettingsTable) {
    this.#settings = settings;
  }

  /** Written by this program alone, so its shape is trusted; anything else than a list counts as none. */
  load(): readonly JournalEntry[] {
    const value = this.#settings.setting(settingName);
    return Array.isArray(value) ? (value as JournalEntry[]) : [];
  }

  /** One write after the other, so that the last state wins. */
  save(entries: readonly JournalEntry[]): Promise<void> {
    const write = () => this.#settings.setSetting(settingName, entries);
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}
