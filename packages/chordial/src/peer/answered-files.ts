/**
 * The files for which this peer answers a broadcast: names of which it holds a replica, and its shares. Every replica
 * answers, and the asker shows a hit once: a member that owns a name and does not answer hides nothing.
 */
import { setImmediate } from 'node:timers/promises';
import type { Contact } from '@chordial/ring';
import { decodeCid } from '../content/cid.ts';
import { type EncodedEntry, storedEntries } from '../records/entry.ts';
import { isCurrent } from '../records/merge.ts';
import { readableName } from '../records/name-entry.ts';
import type { Names } from '../records/names.ts';
import type { Hit } from '../search/hit.ts';
import type { SharedFolders } from '../sharing/shared-folders.ts';
import type { RecordRow, RecordTable } from '../storage/record-table.ts';
import type { SharedFile } from '../storage/shared-file-table.ts';
import type { Seals } from '../transfer/seals.ts';

/** Yields to other work between pages. */
const rowsPerPage = 500;

/** @param isHeld whether the row is a replica, not a cached copy */
export async function* heldNames(
  records: Pick<RecordTable, 'range'>,
  isHeld: (row: RecordRow) => boolean,
  now: () => number,
): AsyncGenerator<readonly Hit[], void, undefined> {
  let cursor: string | null = null;
  do {
    const page = records.range('all', cursor, rowsPerPage);
    const names = page.items.filter((row) => row.kind === 'name' && isHeld(row));
    const hits = storedEntries(names).flatMap((encoded) => hitOf(encoded, now()) ?? []);
    if (hits.length > 0) yield hits;
    cursor = page.cursor;
    await setImmediate();
  } while (cursor !== null);
}

/** Files in this host's shares, in pages. */
export async function* sharedFiles(
  shares: Pick<SharedFolders, 'page'>,
  source: Contact,
): AsyncGenerator<readonly Hit[], void, undefined> {
  for (let from = 0; ; ) {
    const files = shares.page(from, rowsPerPage);
    const last = files.at(-1);
    if (last === undefined) return;
    from = last.file + 1;
    yield files.map((file) => hitOfShared(file, source));
    await setImmediate();
  }
}

/** What this peer has sealed, opened in memory, for its own user alone. */
export async function* ownSealed(
  { names, seals }: { readonly names: Pick<Names, 'listOwn'>; readonly seals: Pick<Seals, 'facts'> },
  source: Contact,
): AsyncGenerator<readonly Hit[], void, undefined> {
  let cursor: string | null = null;
  do {
    const page = names.listOwn(cursor, rowsPerPage);
    const hits: Hit[] = [];
    for (const entry of page.names.filter(({ sealed }) => sealed)) {
      const facts = await seals.facts(entry);
      if (facts === null) continue;
      const { name, size } = facts;
      const found = { name, root: entry.cid, size, type: 'file', sha256: null, time: entry.time } as const;
      hits.push({ ...found, source, isShared: false, isSealed: true, isVerified: true });
    }
    if (hits.length > 0) yield hits;
    cursor = page.cursor;
  } while (cursor !== null);
}

export function hitOfShared({ name, root, size, sha256, added }: SharedFile, source: Contact): Hit {
  return { name, root: decodeCid(root), size, type: 'file', sha256, time: added, source, isShared: true };
}

/** Null for a tombstone, an expired entry, and a signed entry without a valid name. */
function hitOf(encoded: EncodedEntry, now: number): Hit | null {
  const named = isCurrent(encoded.entry, now) ? readableName(encoded) : null;
  if (named === null) return null;
  const { name, cid, size, type, sha256, time, publisher } = named;
  return { name, root: cid, size, type, sha256, time, source: { host: publisher, addresses: [] }, isShared: false };
}
