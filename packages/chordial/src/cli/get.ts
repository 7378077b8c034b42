/** `chordial get NAME|CID…`: fetches files or folders, complete and verified, or leaves nothing behind. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { checkedAttributes } from '../content/attributes.ts';
import { ChordialError } from '../errors.ts';
import { parsePath } from '../peer/quantities.ts';
import type { FolderHandle } from '../storage/folder-handle.ts';
import type { FileChoice, FileReference } from '../transfer/files.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { getFolder, type ListedEntry } from '../transfer/get-folder.ts';
import { shortPeer } from '../transfer/of-publisher.ts';
import { isSealedName } from '../transfer/own-keys.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { Interruption } from './end-signals.ts';
import { type Found, findFile, foundIn, parseReference, routeOf, splitPath } from './found-file.ts';
import { versionAt } from './history.ts';
import { hasAll, note, say, sayJson } from './output.ts';
import { askForPassphrase, passphraseHeaders } from './passphrase.ts';
import { Progress, type ShownProgress, SumOfProgress } from './progress.ts';
import { runForEach } from './run-for-each.ts';
import { type FoundPeer, findPeer, type PeerOptions } from './running-peer.ts';
import { shareAt } from './share.ts';
import { plain } from './table.ts';
import { getFile, isFree, TargetFolders, type WantedFile, writeFile } from './target.ts';

/**
 * The size is not known yet; a response to a small get has at most twice this. So 96 run at a time: with many more,
 * latency rises so far that the peer hedges its requests.
 */
const reckonedBytes = 170 * 1024;

/** Larger ones need a second request. */
const maxSmallBytes = 256 * 1024;

interface GetOptions extends CommonOptions, PeerOptions {
  readonly output?: string;
  readonly force?: boolean;
  readonly seed?: boolean;
  readonly raw?: boolean;
  readonly passphrase?: boolean;
  readonly at?: string;
}

export function getCommand(): Command {
  return peerCommand('get', 'fetches files or folders by name or CID', 'chordial get photo.jpg -o copy.jpg')
    .argument(
      '<name|cid...>',
      'what to fetch; NAME@PEER picks a publisher, by name, id or part of the id; FOLDER/PATH what is in a folder',
    )
    .option('-o, --output <path>', 'where to write it, - for standard output; a folder when several are fetched')
    .option('--force', 'replace an existing target')
    .option('--raw', 'a sealed file as it is stored, for age')
    .option('--passphrase', 'of a sealed file; it is asked for')
    .option(
      '--at <time>',
      'an own folder as it was then, such as 2026-11-30T12:00; "chordial history" lists its versions',
    )
    .option('--seed', 'share the file where it was written; unnecessary inside a shared folder')
    .action(async (given: readonly string[], options: GetOptions) => {
      const named = [...new Set(given)];
      if (named.length > 1 && options.output === '-') {
        throw new ChordialError('bad-usage', `Only one file fits standard output, and ${named.length} are given.`);
      }
      if (options.seed && options.output === '-')
        throw new ChordialError('bad-usage', 'What goes to standard output cannot be shared. Name a file with -o.');
      const passphrase = options.passphrase ? { passphrase: await askForPassphrase(false) } : {};
      const references = distinct(
        named.map((argument) => {
          const { whole, path: below } = splitPath(argument);
          return { argument, reference: askedOf(whole, options, passphrase), path: below };
        }),
      );
      const peer = await findPeer(options);
      if (options.seed && !peer.isHere)
        throw new ChordialError('bad-usage', 'The peer runs on another machine and cannot share files of this one.');
      const label = named.length === 1 ? plain(named[0] ?? '') : `${named.length} files`;
      const progress = new SumOfProgress(new Progress(`get ${label}`, options));
      using interruption = new Interruption();
      const { signal } = interruption;
      await using folders = new TargetFolders();
      const job: Job = { peer, options, isOneOfSeveral: named.length > 1, folders, signal };
      try {
        const getOne = (asked: Asked) => fetchOne(job, asked, progress.part());
        await runForEach(references, ({ argument }) => argument, getOne, {
          json: options.json === true,
          heldBytes: () => reckonedBytes,
          signal,
          tell: (fetched) => tell(fetched, options),
        });
      } finally {
        progress.end();
      }
    });
}

/** A sealed file is opened, whether by name or CID. */
function askedOf(argument: string, { raw }: GetOptions, passphrase: { readonly passphrase?: string }): FileReference {
  const reference = parseReference(argument);
  return { ...reference, ...passphrase, ...(reference.cid === undefined || raw ? {} : { isOpened: true }) };
}

interface Asked {
  readonly argument: string;
  readonly reference: FileReference;
  /** Below the folder that the reference names; null for the whole. */
  readonly path: string | null;
}

/** Throws `bad-usage` when two results would be written to one file. */
function distinct(asked: readonly Asked[]): readonly Asked[] {
  const byPlace = new Map<string, Asked>();
  const kept: Asked[] = [];
  for (const one of asked) {
    const { name, publisher, cid } = one.reference;
    const last = one.path?.slice(one.path.lastIndexOf('/') + 1);
    // Names are in NFC; on a file system that ignores case, two that differ by case are one file.
    const place = (last ?? name ?? cid ?? '').toLowerCase().normalize('NFC');
    const there = byPlace.get(place);
    const other = there?.reference;
    const isInside = one.path !== null || there?.path != null;
    if (other !== undefined && (isFolding() || isInside || (other.name === name && other.cid === cid))) {
      const isSame = other.name === name && other.publisher === publisher && other.cid === cid;
      if (isSame && there?.path === one.path) continue;
      throw new ChordialError(
        'bad-usage',
        `${byPlace.get(place)?.argument} and ${one.argument} would be written to one file. Fetch them one by one, each to a place of its own with -o.`,
      );
    }
    byPlace.set(place, one);
    kept.push(one);
  }
  return kept;
}

/** Whether the file system here ignores case. */
function isFolding(): boolean {
  const here = process.cwd();
  const folded = here === here.toUpperCase() ? here.toLowerCase() : here.toUpperCase();
  return folded !== here && existsSync(folded);
}

interface Job {
  readonly peer: FoundPeer;
  readonly options: GetOptions;
  readonly isOneOfSeveral: boolean;
  readonly folders: TargetFolders;
  readonly signal: AbortSignal;
}

interface Fetched {
  readonly found: Found;
  /** null for standard output. */
  readonly target: string | null;
  readonly unchanged: boolean;
}

async function fetchOne(job: Job, { reference, path: below }: Asked, progress: ShownProgress): Promise<Fetched> {
  const { at } = job.options;
  const asked = at === undefined ? reference : await versionOf(job, reference, at);
  try {
    return await fetchReferred(job, asked, below, progress);
  } catch (error) {
    const publisher = await chosenOf(error, job);
    if (publisher === null) throw error;
    return fetchReferred(job, { ...asked, publisher }, below, progress);
  }
}

/** The root that an own folder had then, under its name. */
async function versionOf({ peer: { client } }: Job, { name }: FileReference, at: string): Promise<FileReference> {
  if (name === undefined)
    throw new ChordialError('bad-usage', '--at picks a version of an own folder, by its name. Leave it out for a CID.');
  const { versions } = await client.call('GET /api/v1/trees/{name}/versions', { path: { name } });
  return { name, cid: versionAt(versions, at, name).cid };
}

/** On a terminal the user chooses between publishers; null without a terminal or a choice. */
async function chosenOf(error: unknown, { options, isOneOfSeveral }: Job): Promise<string | null> {
  if (!(error instanceof ChordialError) || error.code !== 'ambiguous-name') return null;
  if (!process.stdin.isTTY || !process.stderr.isTTY || options.json || isOneOfSeveral) return null;
  const choices = (error.details['choices'] ?? []) as readonly FileChoice[];
  if (choices.length < 2) return null;
  const { isCancel, select } = await import('@clack/prompts');
  const chosen = await select({
    message: 'Several peers have a file of this name. Which one?',
    options: choices.map(({ publisher, publisherName, time, size, type }) => ({
      value: publisher,
      label: plain(publisherName),
      hint: `${type === 'directory' ? 'folder, ' : ''}${formatBytes(size)}, ${new Date(time).toLocaleString()}`,
    })),
    output: process.stderr,
  });
  return isCancel(chosen) ? null : chosen;
}

async function fetchReferred(
  job: Job,
  reference: FileReference,
  below: string | null,
  progress: ShownProgress,
): Promise<Fetched> {
  const { peer, options } = job;
  const small = options.raw || below !== null ? null : await fetchSmall(job, reference, progress);
  const found = small?.found ?? (await findFile(peer.client, reference, options.raw, below));
  if (found.others > 0 && reference.publisher === undefined) noteOthers(found);
  if (small?.isWritten) return seeded(job, { found, target: small.target, unchanged: small.unchanged });
  if (options.output === '-') {
    await writeOut(job, found);
    return { found, target: null, unchanged: false };
  }
  const target = await targetOf(found, job);
  return seeded(job, { found, target, unchanged: await fetchTo(target, found, job, progress) });
}

async function seeded({ peer, options }: Job, fetched: Fetched): Promise<Fetched> {
  if (options.seed && fetched.target !== null) await shareAt(peer, fetched.target);
  return fetched;
}

/**
 * A small new file, found and fetched by one request. Null when the existing target, or the file found, decides whether
 * and where to write.
 */
async function fetchSmall(job: Job, reference: FileReference, progress: ShownProgress) {
  const { peer, options, signal, isOneOfSeveral } = job;
  if (
    reference.name === undefined ||
    reference.cid !== undefined ||
    isSealedName(reference.name) ||
    (options.output !== undefined && !isOneOfSeveral)
  )
    return null;
  const target = targetIn(job, reference.name);
  const folder = await job.folders.of(target);
  const base = path.basename(target);
  if (!(await isFree(folder, base))) return null;
  const route = routeOf(reference);
  const question = `${route}${route.includes('?') ? '&' : '?'}most=${maxSmallBytes}`;
  const response = await peer.client.open(question, { signal, headers: passphraseHeaders(reference.passphrase) });
  try {
    const found = foundIn(response.headers, reference, peer.client.url);
    if (response.statusCode === 204) return { found, target, isWritten: false, unchanged: false };
    const getting = { force: options.force === true, progress, signal };
    const unchanged = await writeFile(response, wantedOf(found), { folder, base }, getting);
    return { found, target, isWritten: true, unchanged };
  } finally {
    // An unread response holds its connection, and thus this process.
    response.destroy();
  }
}

export function wantedOf({ reference, cid, size, attributes, sealed }: Found): WantedFile {
  return { route: routeOf(reference), reference, cid, size, sha256: null, attributes, isSealed: sealed !== null };
}

function noteOthers({ reference, publisher, publisherName, others }: Found): void {
  const many = others === 1 ? 'another publisher uses' : `${others} other publishers use`;
  note(
    `${many} the name ${reference.name}; this is the one of ${plain(publisherName ?? shortPeer(publisher ?? ''))}. NAME@PEER picks another.`,
  );
}

/** An existing folder receives a file under its own name, as with cp. Absolute. */
async function targetOf(found: Found, job: Job): Promise<string> {
  const { options, isOneOfSeveral } = job;
  const filename = filenameOf(found);
  if (options.output === undefined || isOneOfSeveral) return targetIn(job, filename);
  const target = path.resolve(options.output);
  const isFolder = await stat(target).then(
    (there) => there.isDirectory(),
    () => options.output?.endsWith(path.sep) === true,
  );
  return isFolder && found.type === 'file' ? path.join(target, filename) : target;
}

/** A sealed file that was asked for by its name in the network is called as its publisher called it. */
function filenameOf({ reference, cid, name, sealed }: Found): string {
  const isByAnother = sealed !== null && reference.name === sealed && name !== null && !name.startsWith('.');
  return isByAnother ? name : (reference.name ?? name ?? cid);
}

/** In the given or configured folder. */
function targetIn({ options, peer }: Job, filename: string): string {
  const set = process.env['CHORDIAL_SAVE'];
  const saved = set === undefined ? (peer.save ?? '.') : parsePath(set, 'CHORDIAL_SAVE');
  return path.resolve(options.output ?? saved, filename);
}

/** Whether the same bytes were already there. */
async function fetchTo(target: string, found: Found, job: Job, progress: ShownProgress): Promise<boolean> {
  const { peer, options, signal } = job;
  const getting = { force: options.force === true, progress, signal };
  const folder = await job.folders.of(target);
  const base = path.basename(target);
  if (found.type === 'file') return await getFile(peer, wantedOf(found), { folder, base }, getting);
  const { client } = peer;
  const { entries } = await client.json<{ entries: readonly ListedEntry[] }>(
    await client.open(routeOf(found.reference), { signal }),
  );
  const source = {
    size: found.reference.cid === undefined ? found.size : null,
    entries: Readable.from(entries),
    fetch: (entry: ListedEntry, within: FolderHandle, name: string) =>
      getFile(peer, entryWanted(entry), { folder: within, base: name }, { ...getting, progress: parts.part() }),
  };
  const parts = new SumOfProgress(progress);
  return await getFolder(source, folder, base);
}

function entryWanted({ cid, size, modified, executable }: ListedEntry): WantedFile {
  const attributes = checkedAttributes(modified, executable);
  return { route: routeOf({ cid }), reference: { cid }, cid, size, sha256: null, attributes, isSealed: false };
}

function tell({ found, target, unchanged }: Fetched, options: GetOptions): void {
  if (target === null) return;
  const { reference, cid, size, publisher } = found;
  if (options.json)
    sayJson({ name: found.name ?? reference.name ?? null, cid, size, publisher, path: target, unchanged });
  else if (unchanged) say(`${plain(target)} is already there with the same bytes`);
  else say(`${plain(target)}  ${cid}  ${formatBytes(size)}`);
}

async function writeOut({ peer: { client }, signal }: Job, found: Found): Promise<void> {
  if (found.type === 'directory') {
    throw new ChordialError('bad-usage', 'A folder cannot be written to standard output. Name a place with -o PATH.');
  }
  let failure: NodeJS.ErrnoException | null = null;
  const failed = (error: NodeJS.ErrnoException): void => {
    failure = error;
  };
  process.stdout.once('error', failed);
  try {
    await pipeline(
      await client.open(routeOf(found.reference), { signal, headers: passphraseHeaders(found.reference.passphrase) }),
      process.stdout,
      { end: false },
    );
  } catch (error) {
    // The output watcher has already reported it.
    if (failure !== null && !hasAll(failure)) return;
    if (error instanceof ChordialError) throw error;
    if (signal.aborted) throw new ChordialError('interrupted', 'The get was interrupted.');
    // The reader, such as head, has all it wanted.
    if (hasAll(error as NodeJS.ErrnoException)) return;
    throw new ChordialError(
      'no-live-source',
      `The stream broke off (${(error as Error).message}). Run the command again.`,
      { cause: error },
    );
  }
}
