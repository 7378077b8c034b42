/** Lists names: this peer's own from its table, those of all publishers by asking other hosts. */

import type { Clock } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { NameEntry } from '../records/name-entry.ts';
import { byNameAndPublisher, type Names } from '../records/names.ts';
import type { FilePorts, PeerCalling } from './file-ports.ts';
import type { FilePage } from './files.ts';
import { shownEntry } from './resolve.ts';

/** Pages requested within this time come from one snapshot. */
const gatheringKeptMilliseconds = 3000;
const maxPage = 1000;

export class FileListing {
  readonly #names: Names;
  readonly #clock: Clock;
  readonly #peerNames: PeerCalling;
  #gathered: { readonly at: number; readonly names: Promise<readonly NameEntry[]> } | null = null;

  constructor({ names, data, peerNames }: Pick<FilePorts, 'names' | 'data' | 'peerNames'>) {
    this.#names = names;
    this.#clock = data.clock;
    this.#peerNames = peerNames;
  }

  async page({ all, cursor, limit }: { all: boolean; cursor: string | null; limit: number }): Promise<FilePage> {
    const most = Math.max(1, Math.min(limit, maxPage));
    if (!all) {
      const page = this.#names.listOwn(cursor, most);
      return { files: page.names.map((entry) => shownEntry(entry, 0, this.#peerNames)), cursor: page.cursor };
    }
    const everybody = await this.#everybody(cursor === null);
    const start = cursor === null ? 0 : startAfter(everybody, cursor);
    const page = everybody.slice(start, start + most);
    const publishers = new Map<string, number>();
    for (const { name } of everybody) publishers.set(name, (publishers.get(name) ?? 0) + 1);
    const last = page.at(-1);
    return {
      files: page.map((entry) => shownEntry(entry, (publishers.get(entry.name) ?? 1) - 1, this.#peerNames)),
      cursor: last !== undefined && start + most < everybody.length ? encodeCursor(last) : null,
    };
  }

  /** A new listing takes a fresh snapshot; a continued one keeps its own. */
  #everybody(begins: boolean): Promise<readonly NameEntry[]> {
    const now = this.#clock.now();
    const known = this.#gathered;
    if (!begins && known !== null && now - known.at < gatheringKeptMilliseconds) return known.names;
    const names = this.#names.gatherAll();
    this.#gathered = { at: now, names };
    this.#clock.after(gatheringKeptMilliseconds, () => {
      if (this.#gathered?.names === names) this.#gathered = null;
    });
    return names;
  }
}

function encodeCursor({ name, publisher, sequence }: NameEntry): string {
  return Buffer.from(JSON.stringify([name, publisher, sequence])).toString('base64url');
}

/** Start of the page after the cursor, even when its entry is gone. */
function startAfter(entries: readonly NameEntry[], cursor: string): number {
  const [name, publisher, sequence] = decodeCursor(cursor);
  const last = { name, publisher, sequence } as NameEntry;
  const index = entries.findIndex((entry) => byNameAndPublisher(entry, last) > 0);
  return index === -1 ? entries.length : index;
}

function decodeCursor(cursor: string): [string, string, number] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(value) &&
      typeof value[0] === 'string' &&
      typeof value[1] === 'string' &&
      typeof value[2] === 'number'
    ) {
      return [value[0], value[1], value[2]];
    }
  } catch (cause) {
    throw badCursor(cause);
  }
  throw badCursor();
}

function badCursor(cause?: unknown): ChordialError {
  return new ChordialError('bad-request', 'The cursor is not from a listing. Start again without it.', { cause });
}
