/** `chordial export NAME [FILE]` and `chordial import FILE`: CARs, in which programs of IPFS pass on files and folders. */
import { open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { noAttributes } from '../content/attributes.ts';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { parseDuration, parseWhole } from '../peer/quantities.ts';
import type { PutResult } from '../transfer/files.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { fileError } from '../transfer/local-file.ts';
import { PartFile } from '../transfer/part-file.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { Interruption } from './end-signals.ts';
import { findFile, parseReference, splitPath } from './found-file.ts';
import { hasAll, say, sayJson } from './output.ts';
import { Progress } from './progress.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';
import { folderOf } from './target.ts';

interface ExportOptions extends CommonOptions, PeerOptions {
  readonly force?: boolean;
}

export function exportCommand(): Command {
  return peerCommand(
    'export',
    'writes a file or folder as a CAR, for programs of IPFS',
    'chordial export Fjord fjord.car',
  )
    .argument('<name|cid>', 'what to write: a name, FOLDER/PATH, or a CID')
    .argument('[file]', 'where to, - for standard output; by default NAME.car')
    .option('--force', 'replace an existing file')
    .action(async (given: string, file: string | undefined, options: ExportOptions) => {
      const { whole, path: below } = splitPath(given);
      const reference = parseReference(whole);
      const peer = await findPeer(options);
      // A sealed file is written as it is stored.
      const { cid, name } = await findFile(peer.client, reference, true, below);
      const last = below === null ? (reference.name ?? name ?? cid) : below.slice(below.lastIndexOf('/') + 1);
      using interruption = new Interruption();
      const { signal } = interruption;
      const response = await peer.client.open(`/api/v1/content/${cid}/car`, { signal });
      try {
        if (file === '-') return await writeOut(response);
        const target = path.resolve(file ?? `${last}.car`);
        const size = await write(response, target, { force: options.force === true, signal, options });
        if (options.json) sayJson({ cid, path: target, size });
        else say(`${plain(target)}  ${cid}  ${formatBytes(size)}`);
      } finally {
        // An unread response holds its connection, and thus this process.
        response.destroy();
      }
    });
}

interface Writing {
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly options: ExportOptions;
}

/** Complete or not at all. */
async function write(
  bytes: AsyncIterable<Buffer>,
  target: string,
  { force, signal, options }: Writing,
): Promise<number> {
  const base = path.basename(target);
  await using folder = await folderOf(target);
  const progress = new Progress(`export ${plain(base)}`, options);
  const part = await PartFile.create(folder, base, { size: 0, signal });
  let done = 0;
  let isKept = false;
  try {
    for await (const piece of bytes) {
      await part.write(piece, done);
      done += piece.length;
      await progress.update(done, null);
    }
    await part.finish(done, { force, attributes: noAttributes });
    isKept = true;
    return done;
  } catch (error) {
    if (signal.aborted)
      throw new ChordialError('interrupted', 'The export was interrupted; nothing incomplete remains.');
    throw brokenOff(error as NodeJS.ErrnoException, target);
  } finally {
    await (isKept ? part.close() : part.drop());
    progress.end();
  }
}

function brokenOff(error: NodeJS.ErrnoException, target: string): Error {
  if (error instanceof ChordialError || error.code !== 'ECONNRESET') return fileError('unwritable-file', target, error);
  return new ChordialError(
    'no-live-source',
    'Not all blocks could be had; nothing was written. Run the command again.',
    {
      cause: error,
    },
  );
}

async function writeOut(bytes: AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(bytes, process.stdout, { end: false });
  } catch (error) {
    // The reader has all it wanted.
    if (hasAll(error as NodeJS.ErrnoException)) return;
    throw new ChordialError('no-live-source', 'Not all blocks could be had: what was written is not complete.', {
      cause: error,
    });
  }
}

interface ImportOptions extends CommonOptions, PeerOptions {
  readonly name?: string;
  readonly root?: string;
  readonly replicas?: string;
  readonly expires?: string;
}

export function importCommand(): Command {
  return peerCommand('import', 'puts what a CAR holds into the network', 'chordial import fjord.car --name Fjord')
    .argument('<file>', 'a CAR of version 1, or - for standard input')
    .option('--name <name>', 'name in the network; by default that of the file without .car')
    .option('--root <cid>', 'what to import, where the CAR has several roots or none')
    .addOption(new Option('--replicas <n>', 'copies on distinct hosts').env('CHORDIAL_REPLICAS'))
    .option('--ttl, --expires <time>', 'lifetime, such as 12h or 7d; by default unlimited')
    .action(async (given: string, options: ImportOptions) => {
      const route = routeOf(given, options);
      const peer = await findPeer(options);
      const file = given === '-' ? null : await openCarFile(given);
      const size = file === null ? null : (await stat(await realpath(given))).size;
      const body = file === null ? process.stdin : file.createReadStream();
      const progress = new Progress(
        `import ${given === '-' ? 'standard input' : plain(path.basename(given))}`,
        options,
      );
      using interruption = new Interruption();
      let done = 0;
      body.on('data', (piece: Buffer) => {
        done += piece.length;
        void progress.update(done, size);
      });
      try {
        const headers = { 'Content-Type': 'application/vnd.ipld.car' };
        const asked = { method: 'PUT', body, headers, signal: interruption.signal };
        const result = await peer.client.json<PutResult>(await peer.client.open(route, asked));
        if (options.json) sayJson({ ...result });
        else
          say(
            `${plain(result.name)}  ${result.cid}  ${formatBytes(result.size)}  ${result.copies} ${result.copies === 1 ? 'copy' : 'copies'}`,
          );
      } finally {
        progress.end();
        await file?.close().catch(() => undefined);
      }
    });
}

function routeOf(given: string, { name, root, replicas, expires }: ImportOptions): string {
  if (given === '-' && name === undefined)
    throw new ChordialError('bad-usage', 'Standard input has no name of its own. Give one with --name NAME.');
  const query = new URLSearchParams();
  if (root !== undefined) query.set('root', parseCid(root).toString());
  if (replicas !== undefined) query.set('replicas', String(parseWhole(replicas, '--replicas', 1, 8)));
  if (expires !== undefined) query.set('ttl', `${parseDuration(expires, '--expires')}ms`);
  const called = checkName(name ?? path.basename(given).replace(/\.car$/i, ''));
  return `/api/v1/cars/${encodeURIComponent(called)}${query.size > 0 ? `?${query}` : ''}`;
}

async function openCarFile(given: string) {
  try {
    const file = await open(given);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (cause) {
    throw fileError('unreadable-file', given, cause);
  }
  throw new ChordialError('unreadable-file', `${given} is no regular file. Name a CAR, or - for standard input.`);
}
