/** `chordial put FILE|DIR…|-`: puts files into the network. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { parseDuration, parseWhole } from '../node/quantities.ts';
import type { PutResult } from '../transfer/files.ts';
import { fileError } from '../transfer/local-file.ts';
import { shownSize } from '../transfer/shown-size.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { Interruption } from './interruption.ts';
import { say, sayJson } from './output.ts';
import { Progress, type ShownProgress, SumOfProgress } from './progress.ts';
import { type FoundPeer, findPeer, type PeerOptions } from './running-peer.ts';
import { forSeveral } from './several.ts';
import { plain } from './table.ts';
import { isPathTrouble, startTransfer, watchTransfer } from './transfer.ts';

/** Files up to this size go along with the question. */
const maximumSmallBytes = 256 * 1024;

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
  /** Absolute; null for standard input. */
  readonly path: string | null;
  readonly isFolder: boolean;
  readonly size: number | null;
}

export function putCommand(): Command {
  return peerCommand('put', 'puts files or folders into the network', 'chordial put photo.jpg --replicas 3')
    .argument('<path...>', 'files, folders (without hidden entries and links), or - for standard input')
    .option('--name <name>', 'name in the network; by default the last part of the path')
    .addOption(new Option('--replicas <n>', 'copies on distinct hosts').env('CHORDIAL_REPLICAS'))
    .option('--ttl <time>', 'lifetime, such as 12h or 7d; by default it stays')
    .action(async (paths: readonly string[], options: PutOptions) => {
      const settings = settingsOf(options);
      // All are checked before the first is sent.
      const sources = await sourcesOf(paths, options.name);
      const peer = await findPeer(options);
      const label = sources.length === 1 ? plain(sources[0]?.name ?? '') : `${sources.length} files`;
      const progress = new SumOfProgress(new Progress(`put ${label}`, options));
      using interruption = new Interruption();
      const { signal } = interruption;
      const job = { peer, settings, signal };
      try {
        await forSeveral(
          sources,
          ({ name }) => name,
          (source) => putOne(job, source, progress.part()),
          {
            json: options.json === true,
            heldBytes: ({ size }) => Math.min(size ?? maximumSmallBytes, maximumSmallBytes),
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

/** Which of two would win would be chance. */
function checkNamesDiffer(sources: readonly Source[]): void {
  const paths = new Map<string, string | null>();
  for (const { name, path: place } of sources) {
    const other = paths.get(name);
    if (other !== undefined) {
      throw new ChordialError(
        'bad-usage',
        `${other} and ${place} would both be put as ${JSON.stringify(name)}. Put them one by one, with --name.`,
      );
    }
    paths.set(name, place);
  }
}

async function sourceOf(given: string, name: string | undefined): Promise<Source> {
  if (given === '-') return { name: checkName(name ?? ''), path: null, isFolder: false, size: null };
  const absolute = path.resolve(given);
  try {
    const found = await stat(absolute);
    const isFolder = found.isDirectory();
    if (!isFolder && !found.isFile()) throw new Error('it is neither a file nor a folder');
    await access(absolute, isFolder ? constants.R_OK | constants.X_OK : constants.R_OK);
    const size = isFolder ? null : found.size;
    return { name: checkName(name ?? path.basename(absolute)), path: absolute, isFolder, size };
  } catch (error) {
    if (error instanceof ChordialError) throw error;
    throw unreadable(given, error as NodeJS.ErrnoException);
  }
}

function unreadable(given: string, error: NodeJS.ErrnoException): ChordialError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder; see whether the path is right',
    ENOTDIR: 'a part of the path before the last is a file; see whether the path is right',
    EACCES: 'you may not read it; change its permissions or run as its owner',
    ELOOP: 'its links go round in a circle; name the file itself',
  };
  const reason = reasons[error.code ?? ''] ?? `${error.message}; name a file or folder that can be read`;
  return new ChordialError('unreadable-file', `${given} cannot be read: ${reason}.`, { cause: error });
}

interface Job {
  readonly peer: FoundPeer;
  readonly settings: Settings;
  readonly signal: AbortSignal;
}

async function putOne(job: Job, source: Source, progress: ShownProgress): Promise<PutResult> {
  const { peer, settings, signal } = job;
  if (source.path === null) return putStream(job, source, process.stdin, progress);
  const small = smallContent(source.path, source.size);
  if (small !== null) return putSmall(job, source, small, progress);
  if (peer.isHere) {
    try {
      const { id } = await startTransfer(peer.client, {
        kind: 'put',
        name: source.name,
        path: source.path,
        ...settings,
      });
      return (await watchTransfer(peer.client, id, progress, signal)) as PutResult;
    } catch (error) {
      // This command could read it: so the peer only sees other files, and takes the bytes as a stream.
      if (source.isFolder || !isPathTrouble(error) || !(await isReadable(source.path))) throw error;
    }
  }
  if (source.isFolder) {
    throw new ChordialError(
      'bad-usage',
      `${source.path} is a folder, and the peer runs on another machine. Put folders at a peer on this machine, or put an archive of it.`,
    );
  }
  return putStream(job, source, createReadStream(source.path), progress);
}

/**
 * null for a folder and for what is not small, or not any more. Read at once: so small a file mostly lies in memory, and each of three
 * steps through the pool of threads costs more than all of them.
 */
function smallContent(file: string, size: number | null): Uint8Array | null {
  if (size === null || size > maximumSmallBytes) return null;
  try {
    const opened = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // One more than there should be tells whether it grew.
      const bytes = Buffer.allocUnsafeSlow(size + 1);
      let filled = 0;
      for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
        read = readSync(opened, bytes, filled, bytes.length - filled, filled);
      }
      return filled > size ? null : bytes.subarray(0, filled);
    } finally {
      closeSync(opened);
    }
  } catch (cause) {
    throw fileError('unreadable-file', file, cause);
  }
}

/** One question with all that it needs: a transfer, which would outlive this command, costs several and is written down. */
async function putSmall(
  { peer: { client }, settings, signal }: Job,
  source: Source,
  bytes: Uint8Array,
  progress: ShownProgress,
): Promise<PutResult> {
  try {
    const asked = { method: 'PUT', body: bytes, headers: contentHeaders(bytes.length), signal };
    const result = await client.json<PutResult>(await client.open(routeOfPut(source, settings), asked));
    void progress.update(bytes.length, bytes.length);
    return result;
  } finally {
    progress.end();
  }
}

function contentHeaders(length: number): OutgoingHttpHeaders {
  return { 'Content-Type': 'application/octet-stream', 'Content-Length': length };
}

function routeOfPut({ name }: Source, { replicas, timeToLive }: Settings): string {
  const query = new URLSearchParams();
  if (replicas !== undefined) query.set('replicas', String(replicas));
  if (timeToLive !== undefined) query.set('ttl', `${timeToLive}ms`);
  return `/api/v1/files/${encodeURIComponent(name)}${query.size > 0 ? `?${query}` : ''}`;
}

async function putStream(
  { peer: { client }, settings, signal }: Job,
  source: Source,
  bytes: Readable,
  progress: ShownProgress,
): Promise<PutResult> {
  let done = 0;
  bytes.on('data', (piece: Buffer) => {
    done += piece.length;
    // The bar is drawn beside the transfer; it holds nothing up.
    void progress.update(done, source.size);
  });
  try {
    const headers = { 'Content-Type': 'application/octet-stream' };
    const asked = { method: 'PUT', body: bytes, headers, signal };
    return await client.json<PutResult>(await client.open(routeOfPut(source, settings), asked));
  } finally {
    progress.end();
  }
}

async function isReadable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

function tell(result: PutResult, options: PutOptions): void {
  const { name, cid, size, copies, publisher } = result;
  if (options.json) sayJson({ name, cid, size, copies, publisher });
  else say(`${plain(name)}  ${cid}  ${shownSize(size)}  ${copies} ${copies === 1 ? 'copy' : 'copies'}`);
}
