/** `chordial share`, `unshare`, `shares`: folders whose files stay in place and can be found by everyone. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Share } from '../client/answers.ts';
import { ChordialError } from '../errors.ts';
import { markOf } from '../transfer/file-mark.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { fileError } from '../transfer/local-file.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { type FoundPeer, findPeer, type PeerOptions } from './running-peer.ts';
import { plain, table } from './table.ts';

type ShareOptions = CommonOptions & PeerOptions;

/** How long `share` waits for the first scan of the folder, to report what is left out. */
const firstLookMilliseconds = 2000;
const betweenLooksMilliseconds = 100;

export function shareCommand(): Command {
  return peerCommand('share', 'shares a folder or file, which stays where it is', 'chordial share ~/Music')
    .argument('<dir>', 'a folder, or a single file, on the machine of the peer')
    .option('--others', 'also files of other users and on other devices')
    .action(async (place: string, options: ShareOptions & { readonly others?: boolean }) => {
      const peer = await findPeer(options);
      const { client } = peer;
      const share = await shareAt(peer, path.resolve(place), options.others);
      if (options.json) return sayJson(share);
      say(`${plain(share.path)} is shared; see how far it is with "chordial shares"`);
      for (const line of leftOutLines(await firstLook(client, share))) console.error(line);
    });
}

/** For the user as whom the peer runs: it reads what is shared with that user's rights while it is shared. */
export async function shareAt({ client, key }: FoundPeer, place: string, others?: boolean): Promise<Share> {
  if (key === null) {
    throw new ChordialError(
      'forbidden-origin',
      `${place} can be shared only by the user as whom the peer runs, on its machine. Share it as that user, or put it: "chordial put ${place}".`,
    );
  }
  const status = await stat(place, { bigint: true }).catch((cause: unknown) => {
    throw fileError('unreadable-file', place, cause);
  });
  const body = { path: place, key, mark: markOf(status), ...(others === undefined ? {} : { others }) };
  return client.call('POST /api/v1/shares', { body });
}

export function unshareCommand(): Command {
  return peerCommand('unshare', 'ends a share; its files stay', 'chordial unshare ~/Music')
    .argument('<dir>', 'a folder or file that is shared')
    .action(async (place: string, options: ShareOptions) => {
      const { client } = await findPeer(options);
      const share = await client.call('DELETE /api/v1/shares', { body: { path: path.resolve(place) } });
      if (options.json) sayJson({ path: share.path, shared: false });
      else say(`${plain(share.path)} is no longer shared`);
    });
}

export function sharesCommand(): Command {
  return peerCommand('shares', 'lists what this peer shares', 'chordial shares').action(
    async (options: ShareOptions) => {
      const { client } = await findPeer(options);
      const { shares } = await client.call('GET /api/v1/shares');
      if (options.json) sayJson({ shares });
      else if (shares.length === 0) say('nothing is shared; share a folder with "chordial share DIR"');
      else say([listing(shares), ...shares.flatMap(leftOutLines)].join('\n'));
    },
  );
}

function listing(shares: readonly Share[]): string {
  const columns = [
    { title: 'FOLDER', isCut: true },
    { title: 'FILES', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'STATE' },
  ] as const;
  return table(
    columns,
    shares.map((share) => [share.path, String(share.files), formatBytes(share.bytes), stateOf(share)]),
  );
}

async function firstLook(client: ApiClient, first: Share): Promise<Share> {
  const end = Date.now() + firstLookMilliseconds;
  let share = first;
  while (share.state === 'indexing' && share.leftOut.length === 0 && Date.now() < end) {
    await setTimeout(betweenLooksMilliseconds);
    const { shares } = await client.call('GET /api/v1/shares');
    share = shares.find((one) => one.path === first.path) ?? share;
  }
  return share;
}

function leftOutLines({ path: share, leftOut, unreadable, changing }: Share): readonly string[] {
  const lines = leftOut.map((one) => `left out: ${plain(path.join(share, one.path))} (${plain(one.why)})`);
  const rest = unreadable + changing - leftOut.length;
  return rest > 0 ? [...lines, `left out: ${rest} more in ${plain(share)}`] : lines;
}

function stateOf({ state, files, indexed, announced, unreadable, changing }: Share): string {
  const parts = [state === 'indexing' ? `${state} ${indexed} of ${files}` : state];
  if (announced < indexed) parts.push(`${announced} announced`);
  if (changing > 0) parts.push(`${changing} changing`);
  if (unreadable > 0) parts.push(`${unreadable} unreadable`);
  return parts.join(', ');
}
