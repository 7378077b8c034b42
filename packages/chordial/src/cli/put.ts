/** `chordial put FILE|DIR…|-`: puts files into the network. */
import { access, constants, type FileHandle, realpath, stat } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import type { FileAttributes } from '../content/attributes.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
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
  readonly ttl?: string;
}

interface Settings {
  readonly replicas?: number;
  /** Milliseconds. */
  readonly timeToLive?: number;
}

interface Source {
  readonly name: string;
  /** As given by the user. */
  readonly given: string;
  /** Absolute, without links; null for standard input. */
  readonly path: string | null;
  readonly isFolder: boolean;
  readonly size: number | null;
  /** Why it cannot be put. */
  readonly failure: ChordialError | null;
}

export function putCommand(): Command {
  return peerCommand('put', 'puts files or folders into the network', 'chordial put photo.jpg --replicas 3')
    .argument('<path...>', 'files, folders (without hidden entries and links), or - for standard input')
    .option('--name <name>', 'name in the network; by default the last part of the path')
    .addOption(new Option('--replicas <n>', 'copies on distinct hosts').env('CHORDIAL_REPLICAS'))
    .option('--ttl <time>', 'lifetime, such as 12h or 7d; by default unlimited')
    .action(async (paths: readonly string[], options: PutOptions) => {
      const settings = settingsOf(options);
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

function settingsOf({ replicas, ttl }: PutOptions): Settings {
  return {
    ...(replicas === undefined ? {} : { replicas: parseWhole(replicas, '--replicas', 1, 8) }),
    ...(ttl === undefined ? {} : { timeToLive: parseDuration(ttl, '--ttl') }),
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
function checkNamesDiffer(sources: readonly Source[]): void {
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
  try {
    if (source.path === null) return await putStream(job, source, process.stdin, progress);
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
  if (missing > 0) {
    note(
      `${missing} ${missing === 1 ? 'file or folder' : 'files and folders'} of ${source.given} ${missing === 1 ? 'was' : 'were'} left out`,
    );
    process.exitCode = 1;
  }
  return result;
}

/** One request; a transfer, which would outlive this command, takes several and is journalled. */
async function putSmall(
  { peer: { client }, settings, signal }: Job,
  source: Source & Sent,
  bytes: Uint8Array,
  progress: ShownProgress,
): Promise<PutResult> {
  const asked = { method: 'PUT', body: bytes, headers: contentHeaders(bytes.length), signal };
  const result = await client.json<PutResult>(await client.open(routeOfPut(source, settings), asked));
  void progress.update(bytes.length, bytes.length);
  return result;
}

/** Sent with the bytes. */
interface Sent {
  readonly attributes?: FileAttributes;
}

function contentHeaders(length: number): OutgoingHttpHeaders {
  return { 'Content-Type': 'application/octet-stream', 'Content-Length': length };
}

function routeOfPut({ name, attributes }: Source & Sent, { replicas, timeToLive }: Settings): string {
  const query = new URLSearchParams();
  if (replicas !== undefined) query.set('replicas', String(replicas));
  if (timeToLive !== undefined) query.set('ttl', `${timeToLive}ms`);
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
  { peer: { client }, signal }: Job,
  route: string,
  bytes: Readable,
  told: (done: number) => void,
): Promise<PutResult> {
  let done = 0;
  bytes.on('data', (piece: Buffer) => {
    done += piece.length;
    told(done);
  });
  const headers = { 'Content-Type': 'application/octet-stream' };
  return client.json<PutResult>(await client.open(route, { method: 'PUT', body: bytes, headers, signal }));
}

function tell(result: PutResult, options: PutOptions): void {
  const { name, cid, size, copies, publisher } = result;
  if (options.json) sayJson({ name, cid, size, copies, publisher });
  else say(`${plain(name)}  ${cid}  ${formatBytes(size)}  ${copies} ${copies === 1 ? 'copy' : 'copies'}`);
}
