/** From what a user names to the content: a CID, a name, or a name of a certain publisher. */
import type { CID } from 'multiformats/cid';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { openContent } from '../content/reader.ts';
import { ChordialError } from '../errors.ts';
import type { NameEntry } from '../records/name-entry.ts';
import type { Contact } from '../ring/pointer.ts';
import type { Milliseconds } from '../ring/ports.ts';
import { fetchBlocks } from './fetch-blocks.ts';
import type { FilePorts } from './file-ports.ts';
import type { FileEntry, FileReference } from './files.ts';
import { isPublisher, splitPublisher } from './of-publisher.ts';
import { sharedNames } from './shared-names.ts';

const latestShareMilliseconds: Milliseconds = 250;

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
  const found = await findAll(ports, name);
  const picked = publisher === null ? found[0] : ofPublisher(found, name, publisher);
  if (picked === undefined) {
    const by = publisher === null ? '' : ` by ${publisher}`;
    throw new ChordialError(
      'not-found',
      `No file ${JSON.stringify(name)}${by} is in this network. See what there is with "chordial ls --all".${after(ports.clockNote())}`,
    );
  }
  const same = found.filter(({ cid, source }) => source !== null && cid.equals(picked.cid));
  if (same.length > 0) {
    ports.sharers.hint(
      picked.cid,
      same.flatMap(({ source }) => source ?? []),
    );
  }
  const publishers = new Set(found.map((one) => one.publisher));
  return { entry: shownEntry(picked, publishers.size - 1), cid: picked.cid };
}

function after(note: string | null): string {
  return note === null ? '' : ` ${note}`;
}

/** A name as a publisher has it, put or in a share. */
interface Named extends ShownName {
  /** Who shares it; null for a put, which the ring keeps. */
  readonly source: Contact | null;
}

type ShownName = Pick<
  NameEntry,
  'name' | 'cid' | 'size' | 'type' | 'publisher' | 'time' | 'expiry' | 'sha256' | 'attributes'
>;

/** Puts and shares of this name: the own one first, else the newest, ties by publisher. */
async function findAll(ports: FilePorts, name: string): Promise<readonly Named[]> {
  const asked = sharedNames(ports, name).catch((error: Error) => error);
  const put = await ports.names.find(name);
  const shared = put.length === 0 ? await asked : await Promise.race([asked, tooLate(ports)]);
  const named: Named[] = put.map((entry) => ({ ...entry, source: null }));
  if (shared instanceof Error) {
    if (named.length === 0) throw shared;
    ports.data.report?.('no-answer', ports.data.view.self, `Shares were not asked for a name: ${shared.message}`);
    return named;
  }
  named.push(...shared.map((entry) => ({ ...entry, publisher: entry.source.host })));
  const now = ports.data.clock.wallTime();
  return named.sort((a, b) => rank(a, b, ports.publisher, now));
}

/** Nobody waits long for shares who has found a put: while hosts are silent these take longer to say that there is nothing. */
async function tooLate({ data: { clock } }: FilePorts): Promise<Error> {
  await new Promise<void>((resolve) => clock.after(latestShareMilliseconds, resolve));
  return new Error('they did not answer in time');
}

/** A time from the future is that of a wrong clock, here or there: it makes nothing newer than what is new now. */
function rank(a: Named, b: Named, own: string, now: Milliseconds): number {
  const [isOwnA, isOwnB] = [a.publisher === own, b.publisher === own];
  if (isOwnA !== isOwnB) return isOwnA ? -1 : 1;
  const [timeA, timeB] = [Math.min(a.time, now), Math.min(b.time, now)];
  if (timeA !== timeB) return timeB - timeA;
  return a.publisher < b.publisher ? -1 : 1;
}

export function shownEntry(entry: ShownName, others: number): FileEntry {
  const { name, cid, size, type, publisher, time, expiry, sha256, attributes = null } = entry;
  const shownExpiry = expiry === null ? null : isoTime(expiry);
  const shown = attributes !== null && 'multihash' in attributes ? attributes.toString() : attributes;
  const times = { time: isoTime(time), expiry: shownExpiry };
  return { name, cid: cid.toString(), size, type, publisher, ...times, sha256, others, attributes: shown };
}

/** Of a hostile record: a number that is no date is shown as the end of time. */
function isoTime(milliseconds: number): string {
  return new Date(Math.min(milliseconds, 8.64e15)).toISOString();
}

function ofPublisher(found: readonly Named[], name: string, publisher: string): Named | undefined {
  const matching = found.filter((entry) => isPublisher(entry.publisher, publisher));
  // One publisher may have the name several times; the newest counts.
  if (new Set(matching.map((entry) => entry.publisher)).size > 1) {
    throw new ChordialError(
      'bad-request',
      `Several publishers of ${JSON.stringify(name)} match ${publisher}. Give more of the peer id.`,
    );
  }
  return matching[0];
}

async function resolveCid(ports: FilePorts, cid: CID, signal?: AbortSignal): Promise<Resolved> {
  const content = await openContent(cid, fetchBlocks(ports.fetcherOf(cid), signal));
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
