/** Folders of this machine to pick from: no links are followed, hidden ones are left out unless they are wanted. */
import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { naturalKey } from '../content/file-kinds.ts';
import { ChordialError } from '../errors.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { homeFolder } from '../storage/runtime-folder.ts';
import { fileError } from '../transfer/local-file.ts';

export interface MachineFolders {
  readonly path: string;
  /** Null at the root. */
  readonly parent: string | null;
  readonly folders: readonly { readonly name: string; readonly path: string }[];
  /** There are more, which are not told. */
  readonly isCut: boolean;
}

const maxEntriesRead = 10_000;
const maxFoldersTold = 2000;

/** The home folder by default. Rejects with `bad-request` or `unreadable-file`. */
export async function machineFolders(wanted: string | null, hidden = false): Promise<MachineFolders> {
  const place = wanted ?? homeFolder() ?? path.parse(process.cwd()).root;
  const shown = JSON.stringify(place.slice(0, 200));
  if (!path.isAbsolute(place) || place.includes('\0') || path.resolve(place) !== place)
    throw new ChordialError('bad-request', `${shown} is no absolute path without "." and "..". Give one.`);
  try {
    await using folder = await FolderHandle.open(place);
    const names: string[] = [];
    let read = 0;
    for await (const entry of await opendir(folder.at())) {
      read += 1;
      // A name that is not UTF-8 cannot be asked for by its text.
      const isShown = hidden || !entry.name.startsWith('.');
      if (entry.isDirectory() && isShown && !entry.name.includes('\ufffd')) names.push(entry.name);
      if (read >= maxEntriesRead) break;
    }
    folder.checkIsThere();
    const keyed = names.map((name) => ({ name, key: naturalKey(name) }));
    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.name < b.name ? -1 : 1));
    const above = path.dirname(place);
    return {
      path: place,
      parent: above === place ? null : above,
      folders: keyed.slice(0, maxFoldersTold).map(({ name }) => ({ name, path: path.join(place, name) })),
      isCut: read >= maxEntriesRead || keyed.length > maxFoldersTold,
    };
  } catch (cause) {
    throw cause instanceof ChordialError ? cause : fileError('unreadable-file', place, cause);
  }
}
