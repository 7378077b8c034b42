/** Entries of a name in shares. */

import type { Contact } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { decodeCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { recordKeyOfName } from '../records/record-keys.ts';
import { type HeldShareEntry, readShareBody, readSubject } from '../records/share-entry.ts';
import type { FilePorts } from './file-ports.ts';

/** A shared file. */
export interface SharedName {
  /** In NFC. */
  readonly name: string;
  readonly cid: CID;
  /** Bytes. */
  readonly size: number;
  readonly type: 'file';
  readonly sha256: string | null;
  /** The sharer and its last known address. */
  readonly source: Contact;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly expiry: number;
}

/** Entries of a name in shares, unordered. Invalid ones are skipped. Rejects with `no-live-source` when no host answers. */
export async function shareResolver(
  { shares, places }: Pick<FilePorts, 'shares' | 'places'>,
  name: string,
): Promise<readonly SharedName[]> {
  const entries = await shares.entriesOf(recordKeyOfName(name, places), 'name');
  return entries.flatMap((entry) => readSharedName(entry) ?? []).filter((one) => one.name === name);
}

function readSharedName(entry: HeldShareEntry): SharedName | null {
  try {
    const { name, root } = readSubject(entry);
    const { size, type, sha256, time } = readShareBody(entry);
    if (checkName(name) !== name || type !== 'file' || !isCount(size) || !isCount(time)) return null;
    if (sha256 !== null && (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))) return null;
    const { source, expiry } = entry;
    return { name, cid: decodeCid(root), size, type, sha256, source, time, expiry };
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
