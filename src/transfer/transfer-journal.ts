/** What of the transfers outlives the process: a setting of the catalogue each, written anew with every change of its state. */
import type { FileMark } from './nonce-file.ts';
import type { TransferRequest, TransferStatus } from './transfers.ts';

export interface SettingsTable {
  setting(name: string): unknown;
  /** Those whose names begin so. */
  settings(prefix: string): readonly { readonly name: string; readonly value: unknown }[];
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

/** Each transfer has a setting of its own, so that a change of one writes no other. */
const prefix = 'transfers/';
/** Where earlier versions kept all of them in one list. */
const listName = 'transfers';

export class TransferJournal {
  readonly #settings: SettingsTable;
  /** Of each transfer one write after the other, so that the last state wins. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(settings: SettingsTable) {
    this.#settings = settings;
  }

  /** In the order of their start. Written by this program alone, so its shape is trusted; an older list that is none counts as empty. */
  load(): readonly JournalEntry[] {
    const list = this.#settings.setting(listName);
    const own = this.#settings.settings(prefix).map(({ value }) => value as JournalEntry);
    const known = new Set(own.map(({ id }) => id));
    const earlier = Array.isArray(list) ? (list as JournalEntry[]).filter(({ id }) => !known.has(id)) : [];
    return [...earlier, ...own].sort((a, b) => (a.started < b.started ? -1 : a.started > b.started ? 1 : 0));
  }

  /** Turns the list of an earlier version into entries; nothing when there is none. */
  async convert(): Promise<void> {
    if (this.#settings.setting(listName) === undefined) return;
    await Promise.all(this.load().map((entry) => this.save(entry)));
    await this.#settings.setSetting(listName, undefined);
  }

  save(entry: JournalEntry): Promise<void> {
    return this.#set(entry.id, entry);
  }

  forget(id: string): Promise<void> {
    return this.#set(id, undefined);
  }

  #set(id: string, entry: JournalEntry | undefined): Promise<void> {
    const write = () => this.#settings.setSetting(prefix + id, entry);
    const before = this.#writing.get(id);
    const writing = (before === undefined ? write() : before.then(write, write)).finally(() => {
      if (this.#writing.get(id) === writing) this.#writing.delete(id);
    });
    this.#writing.set(id, writing);
    return writing;
  }
}
