/** From what a user names to the content: a CID, a name, or a name of a certain publisher. */
import type { CID } from 'multiformats/cid';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { openContent } from '../content/reader.ts';
import { ChordialError } from '../errors.ts';
import type { NameEntry } from '../records/name-entry.ts';
import { fetchBlocks } from './fetch-blocks.ts';
import type { FilePorts } from './file-ports.ts';
import type { FileEntry, FileReference } from './files.ts';
import { isPublisher, splitPublisher } from './of-publisher.ts';

export interface Resolved {
  readonly entry: FileEntry;
  readonly cid: CID;
}

/** Throws `not-found`, `bad-cid`, `bad-name`, or `no-live-source` when nobody can tell. */
export async function resolve(ports: FilePorts, reference: FileReference, signal?: AbortSignal): Promise<Resolved> {
  if (reference.cid !== undefined) return resolveCid(ports, parseCid(reference.cid), signal);
  if (reference.name === undefined)
    throw new ChordialError('bad-request', 'Neither a name nor a CID was given. Give one.');
  const split = reference.publisher === undefined ? splitPublisher(reference.name) : null;
  const name = checkName(split?.name ?? reference.name);
  const publisher = reference.publisher ?? split?.publisher ?? null;
  const found = await ports.names.find(name);
  const picked = publisher === null ? found[0] : ofPublisher(found, name, publisher);
  if (picked === undefined) {
    const by = publisher === null ? '' : ` by ${publisher}`;
    throw new ChordialError(
      'not-found',
      `No file ${JSON.stringify(name)}${by} is in this network. See what there is with "chordial ls --all".`,
    );
  }
  return { entry: shownEntry(picked, found.length - 1), cid: picked.cid };
}

export function shownEntry(entry: NameEntry, others: number): FileEntry {
  const { name, cid, size, type, publisher, time, expiry, sha256 } = entry;
  const shownExpiry = expiry === null ? null : isoTime(expiry);
  return { name, cid: cid.toString(), size, type, publisher, time: isoTime(time), expiry: shownExpiry, sha256, others };
}

/** Of a hostile record: a number that is no date is shown as the end of time. */
function isoTime(milliseconds: number): string {
  return new Date(Math.min(milliseconds, 8.64e15)).toISOString();
}

function ofPublisher(found: readonly NameEntry[], name: string, publisher: string): NameEntry | undefined {
  const matching = found.filter((entry) => isPublisher(entry.publisher, publisher));
  if (matching.length > 1) {
    throw new ChordialError(
      'bad-request',
      `Several publishers of ${JSON.stringify(name)} match ${publisher}. Give more of the peer id.`,
    );
  }
  return matching[0];
}

async function resolveCid(ports: FilePorts, cid: CID, signal?: AbortSignal): Promise<Resolved> {
  const content = await openContent(cid, fetchBlocks(ports.fetcher, signal));
  let size = 0;
  if (content.type === 'file') size = content.size;
  else for await (const entry of content.entries()) size += entry.size;
  const entry: FileEntry = {
    name: null,
    cid: cid.toString(),
    size,
    type: content.type,
    publisher: null,
    time: null,
    expiry: null,
    sha256: null,
    others: 0,
  };
  return { entry, cid };
}
