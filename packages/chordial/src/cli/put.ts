/** `chordial put FILE|DIR…|-`: puts files into the network, or into an own folder. */
import { access, constants, type FileHandle, realpath, stat } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { type FileAttributes, noAttributes } from '../content/attributes.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { TreeEntry } from '../folders/folder-trees.ts';
import { type TreePath, treePath } from '../folders/tree-path.ts';
import { parseDuration, parseWhole } from '../peer/quantities.ts';
import { dataFolderAround } from '../storage/data-folder.ts';
import { markOf } from '../transfer/file-mark.ts';
import type { PutResult } from '../transfer/files.ts';
import { encodeFolder } from '../transfer/folder-stream.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { attributesOf, checkUnchanged, openToRead, piecesOf, wholeOf } from '../transfer/local-file.ts';
import { localFolder } from '../transfer/local-folder.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { Interruption } from './end-signals.ts';
import { note, say, sayJson } from './output.ts';
import { askForPassphrase, passphraseHeaders } from './passphrase.ts';
import { Progress, type ShownProgress, SumOfProgress } from './progress.ts';
import { runForEach } from './run-for-each.ts';
import { type FoundPeer, findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';
import { isPathTrouble, startTransfer, watchTransfer } from './transfer.ts';

/** Files up to this size are sent with the request. */
const maxSmallBytes = 256 * 1024;

interface PutOptions extends CommonOptions, PeerOptions {
  readonly name?: string;
  readonly replicas?: string;
  readonly expires?: string;
  readonly sealed?: boolean;
  readonly to?: readonly string[];
  readonly passphrase?: boolean;
  readonly into?: string;
}

interface Settings {
  readonly replicas?: number;
  /** Milliseconds. */
  readonly timeToLive?: number;
  /** Null: not at all; absent: as the peer is set. */
  readonly sealed?: { readonly to: readonly string[]; readonly passphrase?: string } | null;
  /** Into this folder of an own one, instead of under a name. */
  readonly into?: TreePath;
}

export interface Source {
  readonly name: string;
  /** As given by the user. */
  readonly given: string;
  /** Absolute, without links; null for standard input. */
  readonly path: string | null;
  readonly isFolder: boolean;
  readonly size: number | null;
  /** Read instead of standard input. */
  readonly stream?: Readable;
  /** Why it cannot be put. */
  readonly failure: ChordialError | null;
}

export function putCommand(): Command {
  return peerCommand('put', 'puts files or folders into the network', 'chordial put photo.jpg --replicas 3')
    .argument('<path...>', 'files, folders (without hidden entries and links), or - for standard input')
    .option('--name <name>', 'name in the network; by default the last part of the path')
    .addOption(new Option('--replicas <n>', 'copies on distinct hosts').env('CHORDIAL_REPLICAS'))
    .option('--ttl, --expires <time>', 'lifetime, such as 12h or 7d; by default unlimited')
    .option('--into <folder>', 'FOLDER or FOLDER/PATH: into this own folder, which is made if it is not there')
    .option('--sealed', 'readable for this peer and those of --to alone')
    .option('--no-sealed', 'readable for everybody, whatever the setting of the peer')
    .option('--to <peer...>', 'peers by name or id, or recipients of age, that can open it too; implies --sealed')
    .option('--passphrase', 'readable with a passphrase alone, which is asked for; implies --sealed')
    .action(async (paths: readonly string[], options: PutOptions) => {
      const settings = await settingsOf(options);
      const sources = await sourcesOf(paths, options.name);
      const peer = await findPeer(options);
      const label = sources.length === 1 ? plain(sources[0]?.name ?? '') : `${sources.length} files`;
      const progress = new SumOfProgress(new Progress(`put ${label}`, options));
      using interruption = new Interruption();
      const { signal } = interruption;
      const job = { peer, settings, signal };
      try {
        await runForEach(
          sources,
          ({ given, name }) => (given === '-' ? name : given),
          (source) => putOne(job, source, progress.part()),
          {
            json: options.json === true,
            heldBytes: ({ size }) => Math.min(size ?? maxSmallBytes, maxSmallBytes),
            signal,
            tell: (result) => tell(result, options),
          },
        );
      } finally {
        progress.end();
      }
    });
}

async function settingsOf(options: PutOptions): Promise<Settings> {
  const { replicas, expires, sealed, to = [], passphrase, into } = options;
  const others = { replicas, expires, sealed, to: options.to, passphrase };
  const [other] = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (into !== undefined && other !== undefined)
    throw new ChordialError(
      'bad-usage',
      `--${other} is for what has a name of its own, and --into puts it into a folder. Leave one of them out.`,
    );
  if (sealed === false && (to.length > 0 || passphrase))
    throw new ChordialError(
      'bad-usage',
      '--no-sealed puts a file for everybody. Leave it out, or --to and --passphrase.',
    );
  if (passphrase && to.length > 0)
    throw new ChordialError('bad-usage', 'A file is sealed with --passphrase or --to others, not both.');
  const isSealed = sealed === true || to.length > 0 || passphrase === true;
  const wish = { to, ...(passphrase ? { passphrase: await askForPassphrase(true) } : {}) };
  return {
    ...(isSealed ? { sealed: wish } : sealed === false ? { sealed: null } : {}),
    ...(replicas === undefined ? {} : { replicas: parseWhole(replicas, '--replicas', 1, 8) }),
    ...(expires === undefined ? {} : { timeToLive: parseDuration(expires, '--expires') }),
    ...(into === undefined ? {} : { into: treePath(into) }),
  };
}

async function sourcesOf(paths: readonly string[], name: string | undefined): Promise<readonly Source[]> {
  if (paths.length > 1 && name !== undefined) {
    throw new ChordialError(
      'bad-usage',
      `--name ${JSON.stringify(name)} is for one file, and ${paths.length} are given. Put them one by one.`,
    );
  }
  if (paths.includes('-') && name === undefined) {
    throw new ChordialError('bad-usage', 'Standard input has no name of its own. Give one with --name NAME.');
  }
  const sources = await Promise.all(paths.map((one) => sourceOf(one, name)));
  checkNamesDiffer(sources);
  return sources;
}

/** Which of two would win would be random. */
export function checkNamesDiffer(sources: readonly Source[]): void {
  const paths = new Map<string, string>();
  for (const { name, given, failure } of sources) {
    if (failure !== null) continue;
    const other = paths.get(name);
    if (other !== undefined) {
      throw new ChordialError(
        'bad-usage',
        `${other} and ${given} would both be put as ${JSON.stringify(name)}. Put them one by one, with --name.`,
      );
    }
    paths.set(name, given);
  }
}

/** A failure of one of several does not stop the others. A bad --name is thrown. */
export async function sourceOf(given: string, name: string | undefined): Promise<Source> {
  const checked = name === undefined ? undefined : checkName(name);
  const nothing = { given, path: null, isFolder: false, size: null, failure: null };
  if (given === '-') return { ...nothing, name: checked ?? '' };
  const absolute = path.resolve(given);
  try {
    const real = await realpath(absolute);
    const found = await stat(real);
    const isFolder = found.isDirectory();
    if (!isFolder && !found.isFile()) throw new Error('it is neither a file nor a folder');
    await access(real, isFolder ? constants.R_OK | constants.X_OK : constants.R_OK);
    const data = await dataFolderAround(isFolder ? real : path.dirname(real));
    if (data !== null) throw inDataFolder(given, data);
    const size = isFolder ? null : found.size;
    return { ...nothing, name: checked ?? checkName(path.basename(absolute)), path: real, isFolder, size };
  } catch (error) {
    const failure = error instanceof ChordialError ? error : unreadable(given, error as NodeJS.ErrnoException);
    return { ...nothing, name: checked ?? path.basename(absolute), failure };
  }
}

function inDataFolder(given: string, data: string): ChordialError {
  const what = data === path.resolve(given) ? 'is' : 'lies in';
  return new ChordialError(
    'bad-usage',
    `${given} ${what} the data folder of a peer (${data}), which holds its private key, and is never published. Put something else.`,
  );
}

function unreadable(given: string, error: NodeJS.ErrnoException): ChordialError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: given.includes('\ufffd')
      ? 'its name is not UTF-8; rename it, or put it with "-" and --name NAME'
      : 'there is no such file or folder; see whether the path is right',
    ENOTDIR: 'a part of the path before the last is a file; see whether the path is right',
    EACCES: 'you may not read it; change its permissions or run as its owner',
    ELOOP: 'its links form a loop; name the file itself',
  };
  const reason = reasons[error.code ?? ''] ?? `${error.message}; name a file or folder that can be read`;
  return new ChordialError('unreadable-file', `${given} cannot be read: ${reason}.`, { cause: error });
}

interface Job {
  readonly peer: FoundPeer;
  readonly settings: Settings;
  readonly signal: AbortSignal;
}

export async function putOne(job: Job, source: Source, progress: ShownProgress): Promise<PutResult> {
  if (source.failure !== null) throw source.failure;
  const { into } = job.settings;
  if (into !== undefined) return putInto(job, into, source, progress);
  try {
    if (source.path === null) return await putStream(job, source, source.stream ?? process.stdin, progress);
    if (source.isFolder) return await putFolder(job, source, source.path, progress);
    const file = await openToRead(source.path, false);
    try {
      return await putFile(job, source, { file, path: source.path }, progress);
    } finally {
      await file.close();
    }
  } finally {
    progress.end();
  }
}

async function putFile(
  job: Job,
  source: Source,
  { file, path: place }: { readonly file: FileHandle; readonly path: string },
  progress: ShownProgress,
): Promise<PutResult> {
  const { peer, settings, signal } = job;
  const status = await file.stat({ bigint: true });
  const size = Number(status.size);
  const attributes = attributesOf(status);
  const small = size > maxSmallBytes ? null : await wholeOf(file, place, size);
  if (small !== null) {
    await checkUnchanged(file, place, status);
    return await putSmall(job, { ...source, attributes }, small, progress);
  }
  if (peer.key !== null) {
    try {
      const { id } = await startTransfer(peer.client, {
        kind: 'put',
        name: source.name,
        path: place,
        key: peer.key,
        mark: markOf(status),
        isAttended: true,
        ...settings,
      });
      return (await watchTransfer(peer.client, id, progress, signal)) as PutResult;
    } catch (error) {
      // This command could open it, so the peer does not see the same files and takes the bytes as a stream.
      if (!isPathTrouble(error)) throw error;
    }
  }
  const bytes = piecesOf(file, place, () => checkUnchanged(file, place, status));
  return putStream(job, { ...source, attributes, size }, Readable.from(bytes, { objectMode: false }), progress);
}

/** Read by this command with the rights of its user; the peer takes the stream. */
async function putFolder(job: Job, source: Source, place: string, progress: ShownProgress): Promise<PutResult> {
  let missing = 0;
  const items = localFolder(place, ({ path: below, reason, isNever }) => {
    if (!isNever) missing += 1;
    note(`${source.given}/${below} is left out: ${reason}`);
  });
  const bytes = Readable.from(encodeFolder(items), { objectMode: false });
  const route = routeOfPut(source, job.settings).replace('/api/v1/files/', '/api/v1/folders/');
  const result = await sendStream(job, route, bytes, (done) => void progress.update(done, null));
  noteMissing(source, missing);
  return result;
}

/** Files one by one, each of them durable in the folder when it is done; a folder comes with its contents. */
async function putInto(job: Job, into: TreePath, source: Source, progress: ShownProgress): Promise<PutResult> {
  const { peer, signal } = job;
  const done = { name: source.name, cid: '', size: 0, copies: 0, publisher: '' };
  const send = async (below: readonly string[], bytes: AsyncIterable<Uint8Array>, sent: FileAttributes) => {
    const query = new URLSearchParams({ path: [...into.path, source.name, ...below].join('/') });
    if (sent.modified !== null) query.set('modified', String(sent.modified));
    if (sent.executable) query.set('executable', 'true');
    const route = `/api/v1/trees/${encodeURIComponent(into.folder)}?${query}`;
    const body = Readable.from(bytes, { objectMode: false });
    const headers = headersOf(undefined);
    return peer.client.json<TreeEntry>(await peer.client.open(route, { method: 'PUT', body, headers, signal }));
  };
  const counted = async function* (pieces: AsyncIterable<Uint8Array>, total: number | null) {
    for await (const piece of pieces) {
      done.size += piece.length;
      void progress.update(done.size, total);
      yield piece;
    }
  };
  try {
    if (!source.isFolder) {
      const stream = source.stream ?? process.stdin;
      if (source.path === null) {
        const { cid } = await send([], counted(stream, null), noAttributes);
        return { ...done, cid: cid ?? '' };
      }
      const { path: place } = source;
      const file = await openToRead(place, false);
      try {
        const status = await file.stat({ bigint: true });
        const pieces = piecesOf(file, place, () => checkUnchanged(file, place, status));
        const { cid } = await send([], counted(pieces, Number(status.size)), attributesOf(status));
        return { ...done, cid: cid ?? '' };
      } finally {
        await file.close();
      }
    }
    const makeFolder = async (below: readonly string[]) => {
      const path = [...into.path, source.name, ...below].join('/');
      const made = peer.client.call('POST /api/v1/trees/{name}', {
        path: { name: into.folder },
        body: { action: 'create', path },
      });
      await made.catch((error: unknown) => {
        if (!(error instanceof ChordialError) || error.code !== 'already-exists') throw error;
      });
    };
    let missing = 0;
    const items = localFolder(source.path ?? '', ({ path: below, reason, isNever }) => {
      if (!isNever) missing += 1;
      note(`${source.given}/${below} is left out: ${reason}`);
    });
    for await (const { path: below, type, bytes, modified, executable } of items) {
      const parts = below.split('/');
      if (type === 'directory') await makeFolder(parts);
      else await send(parts, counted(bytes, null), { modified, executable });
    }
    noteMissing(source, missing);
    return done;
  } finally {
    progress.end();
  }
}

function noteMissing({ given }: Source, missing: number): void {
  if (missing === 0) return;
  const what = missing === 1 ? 'file or folder' : 'files and folders';
  note(`${missing} ${what} of ${given} ${missing === 1 ? 'was' : 'were'} left out`);
  process.exitCode = 1;
}

/** One request; a transfer, which would outlive this command, takes several and is journalled. */
async function putSmall(
  { peer: { client }, settings, signal }: Job,
  source: Source & Sent,
  bytes: Uint8Array,
  progress: ShownProgress,
): Promise<PutResult> {
  const asked = { method: 'PUT', body: bytes, headers: contentHeaders(bytes.length, settings), signal };
  const result = await client.json<PutResult>(await client.open(routeOfPut(source, settings), asked));
  void progress.update(bytes.length, bytes.length);
  return result;
}

/** Sent with the bytes. */
interface Sent {
  readonly attributes?: FileAttributes;
}

function contentHeaders(length: number, { sealed }: Settings): OutgoingHttpHeaders {
  return { ...headersOf(sealed), 'Content-Length': length };
}

function headersOf(sealed: Settings['sealed']): OutgoingHttpHeaders {
  return { 'Content-Type': 'application/octet-stream', ...passphraseHeaders(sealed?.passphrase) };
}

function routeOfPut({ name, attributes }: Source & Sent, { replicas, timeToLive, sealed }: Settings): string {
  const query = new URLSearchParams();
  if (replicas !== undefined) query.set('replicas', String(replicas));
  if (timeToLive !== undefined) query.set('ttl', `${timeToLive}ms`);
  if (sealed !== undefined) query.set('sealed', String(sealed !== null));
  if (sealed && sealed.to.length > 0) query.set('to', sealed.to.join('\n'));
  if (attributes !== undefined && attributes.modified !== null) query.set('modified', String(attributes.modified));
  if (attributes?.executable === true) query.set('executable', 'true');
  return `/api/v1/files/${encodeURIComponent(name)}${query.size > 0 ? `?${query}` : ''}`;
}

function putStream(job: Job, source: Source & Sent, bytes: Readable, progress: ShownProgress): Promise<PutResult> {
  // The progress bar does not delay the transfer.
  const told = (done: number) => void progress.update(done, source.size);
  return sendStream(job, routeOfPut(source, job.settings), bytes, told);
}

async function sendStream(
  { peer: { client }, settings, signal }: Job,
  route: string,
  bytes: Readable,
  told: (done: number) => void,
): Promise<PutResult> {
  let done = 0;
  bytes.on('data', (piece: Buffer) => {
    done += piece.length;
    told(done);
  });
  const headers = headersOf(settings.sealed);
  return client.json<PutResult>(await client.open(route, { method: 'PUT', body: bytes, headers, signal }));
}

function tell(result: PutResult, options: PutOptions): void {
  const { name, cid, size, copies, publisher, sealedName } = result;
  if (options.into !== undefined) {
    const place = `${options.into.replace(/\/+$/, '')}/${name}`;
    if (options.json) sayJson({ path: place, size, ...(cid === '' ? {} : { cid }) });
    else say(`${plain(place)}${cid === '' ? '' : `  ${cid}`}  ${formatBytes(size)}`);
    return;
  }
  const sealed = sealedName === undefined ? {} : { sealedName };
  if (options.json) sayJson({ name, cid, size, copies, publisher, ...sealed });
  else
    say(
      `${plain(name)}  ${cid}  ${formatBytes(size)}  ${copies} ${copies === 1 ? 'copy' : 'copies'}${sealedName === undefined ? '' : `  sealed as ${sealedName}`}`,
    );
}
