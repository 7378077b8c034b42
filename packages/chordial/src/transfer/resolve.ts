/** Resolves what a user typed to content: a CID, a name, or a name of one publisher. */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { openContent } from '../content/reader.ts';
import { gathered } from '../content/sealed.ts';
import { headerIn, isSealed, maxHeaderBytes } from '../content/sealed-header.ts';
import { ChordialError } from '../errors.ts';
import type { NameEntry } from '../records/name-entry.ts';
import { fetchBlocks } from './content-fetcher.ts';
import type { FilePorts, PeerCalling } from './file-ports.ts';
import type { FileChoice, FileEntry, FileReference } from './files.ts';
import { formatBytes } from './format-bytes.ts';
import { isPublisher, looksLikePeer, splitPublisher } from './of-publisher.ts';
import { type EntryReading, readFile } from './read-file.ts';
import { shareResolver } from './share-resolver.ts';

const latestShareMilliseconds: Milliseconds = 250;
/** The same when another publisher of the name would make it ambiguous. */
const latestOtherMilliseconds: Milliseconds = 600;
/** Publishers listed in a problem document. */
const maxChoices = 100;

export interface Resolved {
  readonly entry: FileEntry;
  readonly cid: CID;
}

export interface ResolveOptions {
  readonly signal?: AbortSignal;
  /** The content will be fetched: afterwards the name alone refers to its publisher. */
  readonly pins?: boolean;
}

/**
 * A name alone is the own file; else that of the pinned publisher; else the only one. Throws `not-found`, `bad-cid`,
 * `bad-name`, `ambiguous-name` or `publisher-changed` with the choices, or `no-live-source` when no host answers.
 */
export async function resolve(
  ports: FilePorts,
  reference: FileReference,
  options: ResolveOptions = {},
): Promise<Resolved> {
  if (reference.cid !== undefined) return resolveCid(ports, parseCid(reference.cid), reference, options.signal);
  if (reference.name === undefined)
    throw new ChordialError('bad-request', 'Neither a name nor a CID was given. Give one.');
  const own = await ownSealed(ports, reference);
  if (own !== null) return own;
  const { name, publisher, found } = await findReferred(ports, reference.name, reference.publisher ?? null);
  const picked = publisher === null ? pickAlone(ports, found, name) : ofPublisher(ports, found, name, publisher);
  if (picked === undefined) {
    const sealed = await sealedForThis(ports, { name, publisher }, reference.passphrase);
    if (sealed !== null) return sealed;
    const by = publisher === null ? '' : ` by ${publisher}`;
    throw new ChordialError(
      'not-found',
      `No file ${JSON.stringify(name)}${by} is in this network. List files with "chordial ls --all".${after(ports.clockNote())}`,
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
  const isPicked = publisher !== null || publishers.size === 1;
  // The pins on disk name nothing sealed.
  const isPinned = options.pins && isPicked && picked.publisher !== ports.publisher && !picked.sealed;
  if (isPinned) pin(ports, name, picked.publisher);
  return shownFound(ports, picked, { others: publishers.size - 1, passphrase: reference.passphrase });
}

async function shownFound(
  ports: FilePorts,
  picked: ShownName,
  { others, passphrase }: { readonly others: number; readonly passphrase: string | undefined },
): Promise<Resolved> {
  const entry = shownEntry(picked, others, ports.peerNames);
  return { entry: await ports.seals.shown(entry, picked, passphrase), cid: picked.cid };
}

/** This peer's own sealed file of the name, unless it has put a plain one since. */
async function ownSealed(ports: FilePorts, reference: FileReference): Promise<Resolved | null> {
  const { name, publisher } = splitPublisher(reference.name ?? '');
  const of = reference.publisher ?? publisher;
  if (
    of !== null &&
    !isPublisher(ports.publisher, of) &&
    !ports.peerNames.named(of).includes(ports.publisher as HostId)
  )
    return null;
  const checked = checkName(name);
  const own = ownSealedEntries(ports, checked)[0];
  const plain = ports.names.own(checked);
  if (own === undefined || (plain !== null && plain.sequence > own.sequence)) return null;
  return shownFound(ports, own, { others: 0, passphrase: reference.passphrase });
}

/** Those that this peer has put under a name, sealed ones too. */
export function ownEntries(ports: Pick<FilePorts, 'seals' | 'names'>, name: string): NameEntry[] {
  const plain = ports.names.own(name);
  return [...(plain === null ? [] : [plain]), ...ownSealedEntries(ports, name)];
}

/** Newest first. */
function ownSealedEntries({ seals, names }: Pick<FilePorts, 'seals' | 'names'>, name: string): NameEntry[] {
  const own = seals.keys.publicNames(name).flatMap((one) => names.own(one) ?? []);
  return own.sort((a, b) => b.sequence - a.sequence);
}

/** A sealed file of others that a key here opens, the newest first. */
async function sealedForThis(
  ports: FilePorts,
  { name, publisher }: Pick<Referred, 'name' | 'publisher'>,
  passphrase: string | undefined,
): Promise<Resolved | null> {
  const called = publisher === null ? [] : ports.peerNames.named(publisher);
  const found = await ports.sealedAs(name, (one) => {
    return publisher === null || isPublisher(one, publisher) || called.includes(one as HostId);
  });
  const [picked] = [...found].sort((a, b) => b.time - a.time);
  if (picked === undefined) return null;
  const publishers = new Set(found.map((entry) => entry.publisher));
  if (publishers.size > 1) {
    const named = found.map((entry) => ({ ...entry, source: null }));
    throw new ChordialError(
      'ambiguous-name',
      `Several peers have a sealed file ${JSON.stringify(name)} for this one: ${choicesIn(named, ports)}. Pick one with NAME@PEER.`,
      { details: { choices: choicesOf(named, ports) } },
    );
  }
  return shownFound(ports, picked, { others: 0, passphrase });
}

interface Referred {
  readonly name: string;
  readonly publisher: string | null;
  readonly found: readonly Named[];
}

/** `NAME@PEER`, by peer id or part of it; or by a peer's name, when no file is named like the whole. */
async function findReferred(ports: FilePorts, text: string, publisher: string | null): Promise<Referred> {
  const split = publisher === null ? splitPublisher(text) : { name: text, publisher };
  const name = checkName(split.name);
  const found = await findAll(ports, name);
  if (split.publisher !== null || found.length > 0) return { name, publisher: split.publisher, found };
  for (let at = text.indexOf('@', 1); at !== -1; at = text.indexOf('@', at + 1)) {
    const called = text.slice(at + 1);
    if (ports.peerNames.named(called).length === 0) continue;
    const before = checkName(text.slice(0, at));
    return { name: before, publisher: called, found: await findAll(ports, before) };
  }
  return { name, publisher: null, found };
}

function pickAlone(ports: FilePorts, found: readonly Named[], name: string): Named | undefined {
  const [first] = found;
  if (first === undefined || first.publisher === ports.publisher) return first;
  const pinned = ports.pins.of(name);
  if (pinned !== null) {
    const mine = found.find(({ publisher }) => publisher === pinned);
    if (mine !== undefined) return mine;
    throw new ChordialError(
      'publisher-changed',
      `You got ${JSON.stringify(name)} from ${ports.peerNames.shown(pinned as HostId)} before, which no longer has it; ${choicesIn(found, ports)}. Pick one with NAME@PEER: another publisher's file of this name may differ.`,
      { details: { choices: choicesOf(found, ports) } },
    );
  }
  // All publishers have the same bytes.
  if (found.every(({ cid }) => cid.equals(first.cid))) return first;
  if (new Set(found.map(({ publisher }) => publisher)).size === 1) return first;
  throw new ChordialError(
    'ambiguous-name',
    `Several peers have a file ${JSON.stringify(name)}: ${choicesIn(found, ports)}. Pick one with NAME@PEER.`,
    { details: { choices: choicesOf(found, ports) } },
  );
}

function pin({ pins, data }: FilePorts, name: string, publisher: string): void {
  pins.pin(name, publisher).catch((error: Error) => {
    data.report?.('refused', data.view.self, `The publisher of a fetched name could not be stored: ${error.message}`);
  });
}

/** One per publisher, for `choices` of a problem document. */
function choicesOf(found: readonly Named[], { peerNames }: FilePorts): readonly FileChoice[] {
  const ofEach = new Map<string, Named>();
  for (const one of found) if (!ofEach.has(one.publisher)) ofEach.set(one.publisher, one);
  return [...ofEach.values()].slice(0, maxChoices).map(({ publisher, time, size, type, cid }) => ({
    publisher,
    publisherName: peerNames.shown(publisher as HostId),
    time: isoTime(time),
    size,
    type,
    cid: cid.toString(),
  }));
}

function choicesIn(found: readonly Named[], ports: FilePorts): string {
  const choices = choicesOf(found, ports);
  const shown = choices
    .slice(0, 5)
    .map((one) => `${one.publisherName} (${one.time.slice(0, 16).replace('T', ' ')}, ${formatBytes(one.size)})`);
  const more = choices.length > shown.length ? ` and ${choices.length - shown.length} more` : '';
  return `${shown.join(', ')}${more}${choices.length === 1 ? ' has one' : ' have one each'}`;
}

function after(note: string | null): string {
  return note === null ? '' : ` ${note}`;
}

/** A publisher's entry of a name, put or shared. */
interface Named extends ShownName {
  /** The claimed time, capped at the time of first sight here: a time in the future makes nothing newer. */
  since?: number;
  /** The sharer; null for a put, which is on the ring. */
  readonly source: Contact | null;
}

type ShownName = Pick<
  NameEntry,
  'name' | 'cid' | 'size' | 'type' | 'publisher' | 'time' | 'expiry' | 'sha256' | 'attributes' | 'sealed' | 'own'
>;

/** Puts and shares of this name: own first, then newest, ties by publisher. */
async function findAll(ports: FilePorts, name: string): Promise<readonly Named[]> {
  const asked = shareResolver(ports, name).catch((error: Error) => error);
  const put = await ports.names.find(name);
  // Other publishers do not matter once it is clear which one is meant.
  const pinned = ports.pins.of(name);
  const isClear = put.some(({ publisher }) => publisher === ports.publisher || publisher === pinned);
  const shared = put.length === 0 ? await asked : await Promise.race([asked, tooLate(ports, isClear)]);
  const named: Named[] = put.map((entry) => ({ ...entry, source: null }));
  if (shared instanceof Error) {
    if (named.length === 0) throw shared;
    ports.data.report?.('no-answer', ports.data.view.self, `Shares were not asked for a name: ${shared.message}`);
    return named;
  }
  named.push(...shared.map((entry) => ({ ...entry, publisher: entry.source.host })));
  const now = ports.data.clock.wallTime();
  for (const one of named) one.since = firstSeen(ports, one, now);
  return named.sort((a, b) => rank(a, b, ports.publisher));
}

/** Bounds the wait for shares once a put is found: with silent hosts a negative answer takes long. */
async function tooLate({ data: { clock } }: FilePorts, isClear: boolean): Promise<Error> {
  const milliseconds = isClear ? latestShareMilliseconds : latestOtherMilliseconds;
  await new Promise<void>((resolve) => clock.after(milliseconds, resolve));
  return new Error('they did not answer in time');
}

function firstSeen(
  { firstSeen: seen }: FilePorts,
  { publisher, cid, name, time }: Named,
  now: Milliseconds,
): Milliseconds {
  const key = `${publisher} ${cid} ${name}`;
  const first = seen.get(key) ?? now;
  seen.set(key, first);
  return Math.min(time, first);
}

/** Own first, then newest. */
function rank(a: Named, b: Named, own: string): number {
  const [isOwnA, isOwnB] = [a.publisher === own, b.publisher === own];
  if (isOwnA !== isOwnB) return isOwnA ? -1 : 1;
  const [timeA, timeB] = [a.since ?? a.time, b.since ?? b.time];
  if (timeA !== timeB) return timeB - timeA;
  return a.publisher < b.publisher ? -1 : 1;
}

export function shownEntry(entry: ShownName, others: number, peerNames: Pick<PeerCalling, 'shown'>): FileEntry {
  const { name, cid, size, type, publisher, time, expiry, sha256, attributes = null } = entry;
  const shownExpiry = expiry === null ? null : isoTime(expiry);
  const shown = attributes !== null && 'multihash' in attributes ? attributes.toString() : attributes;
  return {
    ...{ name, cid: cid.toString(), size, type, publisher },
    publisherName: peerNames.shown(publisher as HostId),
    ...{ time: isoTime(time), expiry: shownExpiry, sha256, others, attributes: shown },
  };
}

/** For hostile records: an invalid date is shown as the end of time. */
function isoTime(milliseconds: number): string {
  return new Date(Math.min(milliseconds, 8.64e15)).toISOString();
}

function ofPublisher(ports: FilePorts, found: readonly Named[], name: string, publisher: string): Named | undefined {
  // Names that look like an id are not shown, so this is an id.
  const called = ports.peerNames.named(publisher);
  const matching = found.filter((entry) =>
    looksLikePeer(publisher) ? isPublisher(entry.publisher, publisher) : called.includes(entry.publisher as HostId),
  );
  // A publisher may have the name several times; the newest counts.
  if (new Set(matching.map((entry) => entry.publisher)).size > 1) {
    throw new ChordialError(
      'ambiguous-name',
      `Several publishers of ${JSON.stringify(name)} match ${publisher}. Give more of the peer id.`,
      { details: { choices: choicesOf(matching, ports) } },
    );
  }
  return matching[0];
}

async function resolveCid(
  ports: FilePorts,
  cid: CID,
  { isOpened, passphrase }: FileReference,
  signal?: AbortSignal,
): Promise<Resolved> {
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
    publisherName: null,
    time: null,
    expiry: null,
    sha256: null,
    others: 0,
  };
  const isAsked = isOpened === true && content.type === 'file';
  return { entry: isAsked ? await openedByCid(ports, entry, { signal, passphrase }) : entry, cid };
}

/** The content of a sealed file; anything else as it is. */
async function openedByCid(
  ports: FilePorts,
  entry: FileEntry,
  { signal, passphrase }: Pick<EntryReading, 'signal' | 'passphrase'>,
): Promise<FileEntry> {
  const { cid, size } = entry;
  const read = (start: number, end: number) => readFile(ports, cid, { start, end }, signal);
  const start = await gathered(read(0, Math.min(size, maxHeaderBytes)));
  if (!isSealed(start)) return entry;
  const part = { name: cid, size, kinds: headerIn(start).kinds, to: [] };
  try {
    const opened = await ports.seals.open(cid, size, read, passphrase);
    return { ...entry, size: opened.size, sealed: { ...part, isOpen: true } };
  } catch (error) {
    if (!(error instanceof ChordialError) || error.code !== 'no-key') throw error;
    return { ...entry, sealed: { ...part, isOpen: false } };
  }
}
