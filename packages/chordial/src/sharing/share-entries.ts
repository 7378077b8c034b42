/** The entries announced for a shared file: its name, its provider entry, and its words. */
import { decodeCid } from '../content/cid.ts';
import {
  type ShareEntry,
  shareBody,
  shareNameEntry,
  sharePostingEntries,
  shareProviderEntry,
} from '../records/share-entry.ts';
import type { SharedFile } from '../storage/shared-file-table.ts';

/** Keys of the postings of a name. */
export interface PostingWords {
  /** From now on; at most 18. */
  readonly wordsOf: (name: string) => readonly string[];
  /** At any earlier time. */
  readonly everWordsOf: (name: string) => readonly string[];
  /** Awaited before names are announced. */
  prepare(names: readonly string[]): Promise<void>;
}

const nothing = shareBody({});

export function entriesOf(file: SharedFile, wordsOf: PostingWords['wordsOf']): readonly ShareEntry[] {
  const { name, size, sha256, added } = file;
  const root = decodeCid(file.root);
  const body = shareBody({ size, type: 'file', sha256, time: added });
  return [
    shareNameEntry(name, root, body),
    shareProviderEntry(root, nothing),
    ...sharePostingEntries(wordsOf(name), name, root, body),
  ];
}
