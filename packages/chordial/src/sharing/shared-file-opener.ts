/**
 * Opens shared files folder by folder from the root of their share, so that no link leads outside. Folders stay open
 * for a moment, since files of one are usually read in sequence.
 */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import type { SharedPlace } from '../storage/shared-file-table.ts';
import { fileError } from '../transfer/local-file.ts';
import { whyForeign } from './look-through.ts';

interface Kept {
  readonly folder: Promise<{ readonly handle: FolderHandle; readonly root: Pick<BigIntStats, 'uid' | 'dev'> }>;
  users: number;
  isOver: boolean;
}

export interface OpenedFile {
  readonly file: FileHandle;
  readonly status: BigIntStats;
}

const maxFolders = 32;
const keptMilliseconds = 500;

export class SharedFileOpener {
  /** By share and folder, least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #sweep: NodeJS.Timeout | null = null;

  /** The caller closes it. Throws `unreadable-file`, also for anything but a regular file that may be shared. */
  async open(place: SharedPlace): Promise<OpenedFile> {
    const { share, parent, base } = place;
    const shown = shownPath(place);
    const [below, name] = share.isFile ? ['', path.basename(share.path)] : [parent, base];
    const kept = this.#take(share, below);
    let file: FileHandle | null = null;
    try {
      const { handle, root } = await kept.folder;
      file = await handle.file(name);
      const status = await file.stat({ bigint: true });
      const why = status.isFile() ? (share.isFile ? null : whyForeign(share, root, status)) : 'it is no regular file';
      if (why === null) return { file, status };
      throw new ChordialError('unreadable-file', `${shown} is not shared: ${why}.`);
    } catch (cause) {
      await file?.close();
      throw fileError('unreadable-file', shown, cause);
    } finally {
      kept.users -= 1;
      if (kept.isOver && kept.users === 0) void closing(kept);
    }
  }

  #take(share: SharedPlace['share'], parent: string): Kept {
    const top = share.isFile ? path.dirname(share.path) : share.path;
    const key = `${top}\0${parent}`;
    const known = this.#kept.get(key);
    const kept = known ?? { folder: folderOf(top, parent), users: 0, isOver: false };
    kept.users += 1;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    // A failure is not cached.
    if (known === undefined) kept.folder.catch(() => this.#forget(key, kept));
    const [oldest] = this.#kept;
    if (this.#kept.size > maxFolders && oldest !== undefined) this.#forget(...oldest);
    this.#sweep ??= setTimeout(() => {
      this.#sweep = null;
      for (const one of this.#kept) this.#forget(...one);
    }, keptMilliseconds).unref();
    return kept;
  }

  #forget(key: string, kept: Kept): void {
    if (this.#kept.get(key) === kept) this.#kept.delete(key);
    if (kept.isOver) return;
    kept.isOver = true;
    if (kept.users === 0) void closing(kept);
  }

  /** Folders in use are closed afterwards. */
  close(): void {
    if (this.#sweep !== null) clearTimeout(this.#sweep);
    for (const one of this.#kept) this.#forget(...one);
  }
}

/** For messages. */
export function shownPath({ share, parent, base }: SharedPlace): string {
  return share.isFile ? share.path : path.join(share.path, parent, base);
}

async function folderOf(top: string, parent: string): Promise<Awaited<Kept['folder']>> {
  let handle = await FolderHandle.open(top);
  const root = handle.status;
  for (const part of parent.split('/')) {
    if (part === '') continue;
    const above = handle;
    try {
      handle = await above.folder(part);
    } finally {
      await above.close();
    }
  }
  return { handle, root };
}

async function closing({ folder }: Kept): Promise<void> {
  const opened = await folder.catch(() => null);
  await opened?.handle.close();
}
