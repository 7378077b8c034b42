/** Transfers that survive a restart: one setting of the catalogue each, rewritten on every change of state. */
import type { FileMark } from './file-mark.ts';
import type { FileReference } from './files.ts';
import type { KeptSeal } from './sealing.ts';
import type { TransferRequest, TransferStatus } from './transfers.ts';

export interface SettingsTable {
  /** Settings with this prefix. */
  settings(prefix: string): readonly { readonly name: string; readonly value: unknown }[];
  setSetting(name: string, value: unknown): Promise<void>;
}

export interface JournalEntry {
  readonly id: string;
  readonly request: TransferRequest;
  readonly state: TransferStatus['state'];
  readonly error: TransferStatus['error'];
  readonly result: unknown;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly started: string;
  /** put of a sealed file: the seal for the file with this fingerprint. */
  readonly kept?: { readonly fingerprint: string; readonly seal: KeptSeal };
}

/** One setting per transfer, so that a change of one writes no other. */
const prefix = 'transfers/';

export class TransferJournal {
  readonly #settings: SettingsTable;
  /** Writes of one transfer are sequential, so that the last state wins. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(settings: SettingsTable) {
    this.#settings = settings;
  }

  /** In order of their start; invalid entries are skipped. */
  load(): readonly JournalEntry[] {
    const own = this.#settings
      .settings(prefix)
      .filter(({ name, value }) => isEntry(value) && name === prefix + value.id)
      .map(({ value }) => value as JournalEntry);
    return own.sort((a, b) => (a.started < b.started ? -1 : a.started > b.started ? 1 : 0));
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

const states: ReadonlySet<unknown> = new Set(['running', 'paused', 'done', 'failed', 'cancelled']);

/** The fields that a running transfer needs; the rest is only displayed. */
function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, request, state, started, bytesDone, error } = value as Partial<Record<keyof JournalEntry, unknown>>;
  const isTold = typeof id === 'string' && typeof started === 'string' && typeof bytesDone === 'number';
  const isFailure = error === null || (typeof error === 'object' && error !== undefined);
  if (!isTold || !isFailure || !states.has(state) || typeof request !== 'object' || request === null) return false;
  const { kind, reference, path, mark } = request as Partial<Record<keyof TransferRequest, unknown>>;
  return (kind === 'put' || kind === 'get') && isReference(reference) && typeof path === 'string' && isMark(mark);
}

function isReference(value: unknown): value is FileReference {
  if (typeof value !== 'object' || value === null) return false;
  const { name, cid } = value as Partial<Record<keyof FileReference, unknown>>;
  return typeof (name ?? cid) === 'string';
}

function isMark(value: unknown): value is FileMark {
  if (typeof value !== 'object' || value === null) return false;
  const { device, inode } = value as Partial<Record<keyof FileMark, unknown>>;
  return typeof device === 'string' && typeof inode === 'string';
}
