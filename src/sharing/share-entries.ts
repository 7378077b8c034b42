/** What is announced of a shared file: its name, that its content is had here, and the words that it is found by. */
import { decodeCid } from '../content/cid.ts';
import {
  type ShareEntry,
  shareBody,
  shareNameEntry,
  sharePostingEntries,
  shareProviderEntry,
} from '../records/share-entry.ts';
import type { SharedFile } from '../storage/shared-file-table.ts';

/** Under what the postings of a name are published. */
export interface PostingWords {
  /** From now on; at most 18. */
  readonly wordsOf: (name: string) => readonly string[];
  /** At any time so far. */
  readonly everWordsOf: (name: string) => readonly string[];
  /** To be awaited before names are announced. */
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
