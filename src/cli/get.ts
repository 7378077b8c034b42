/** `chordial get NAME|CID`: fetches a file or folder, whole and verified, or leaves nothing behind. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import { shownSize } from '../transfer/shown-size.ts';
import { parseReference, routeOf } from './argument.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { type Found, findFile } from './found-file.ts';
import { getByStream } from './get-by-stream.ts';
import { getByTransfer } from './get-by-transfer.ts';
import { note, say, sayJson } from './output.ts';
import { Progress } from './progress.ts';
import { type FoundPeer, findPeer, type PeerOptions } from './running-peer.ts';
import { plain, shortPeer } from './table.ts';
import { isPathTrouble } from './transfer.ts';

interface GetOptions extends CommonOptions, PeerOptions {
  readonly output?: string;
  readonly force?: boolean;
}

export function getCommand(): Command {
  return peerCommand('get', 'fetches a file or folder by name or CID', 'chordial get photo.jpg -o copy.jpg')
    .argument('<name|cid>', 'what to fetch; NAME@PEER picks a publisher by its id or a part of it as ls shows it')
    .option('-o, --output <path>', 'where to write it, - for standard output')
    .option('--force', 'replace what is there')
    .action(async (argument: string, options: GetOptions) => {
      const reference = parseReference(argument);
      const peer = await findPeer(options);
      const found = await findFile(peer.client, reference);
      if (found.others > 0) noteOthers(found);
      if (options.output === '-') await writeOut(peer, found);
      else await fetchTo(await targetOf(found, options, peer), found, peer, options);
    });
}

function noteOthers({ reference, publisher, others }: Found): void {
  const many = others === 1 ? 'another publisher uses' : `${others} other publishers use`;
  note(
    `${many} the name ${reference.name}; this is the one of ${shortPeer(publisher ?? '')}. NAME@PEER picks another.`,
  );
}

/** An existing folder takes a file under its own name, as with cp. Absolute. */
async function targetOf(found: Found, options: GetOptions, { save }: FoundPeer): Promise<string> {
  const filename = found.reference.name ?? found.cid;
  if (options.output === undefined) return path.resolve(process.env['CHORDIAL_SAVE'] ?? save ?? '.', filename);
  const target = path.resolve(options.output);
  const isFolder = await stat(target).then(
    (there) => there.isDirectory(),
    () => options.output?.endsWith(path.sep) === true,
  );
  return isFolder && found.type === 'file' ? path.join(target, filename) : target;
}

async function fetchTo(target: string, found: Found, peer: FoundPeer, options: GetOptions): Promise<void> {
  const progress = new Progress(`get ${plain(path.basename(target))}`, options);
  const force = options.force === true;
  let unchanged: boolean;
  try {
    if (!peer.isHere) unchanged = await getByStream(peer.client, found, target, force, progress);
    else unchanged = await getByTransfer(peer.client, found, target, force, progress);
  } catch (error) {
    if (!peer.isHere || !isPathTrouble(error)) throw error;
    unchanged = await getByStream(peer.client, found, target, force, progress);
  }
  const { cid, size, publisher } = found;
  if (options.json) sayJson({ name: found.reference.name ?? null, cid, size, publisher, path: target, unchanged });
  else if (unchanged) say(`${plain(target)} is already there with the same bytes`);
  else say(`${plain(target)}  ${cid}  ${shownSize(size)}`);
}

async function writeOut({ client }: FoundPeer, found: Found): Promise<void> {
  if (found.type === 'directory') {
    throw new ChordialError('bad-usage', 'A folder cannot be written to standard output. Name a place with -o PATH.');
  }
  try {
    await pipeline(await client.open(routeOf(found.reference)), process.stdout, { end: false });
  } catch (error) {
    if (error instanceof ChordialError) throw error;
    // The reader, such as head, has all it wanted.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
    throw new ChordialError(
      'no-live-source',
      `The stream broke off (${(error as Error).message}). Run the command again.`,
      { cause: error },
    );
  }
}
