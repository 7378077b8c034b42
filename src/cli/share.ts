/** `chordial share`, `unshare`, `shares`: folders whose files stay where they are and are found by everybody. */
import path from 'node:path';
import type { Command } from 'commander';
import type { Share } from '../client/answers.ts';
import { shownSize } from '../transfer/shown-size.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain, table } from './table.ts';

type ShareOptions = CommonOptions & PeerOptions;

export function shareCommand(): Command {
  return peerCommand('share', 'shares a folder or file, which stays where it is', 'chordial share ~/Music')
    .argument('<dir>', 'a folder, or a single file, on the machine of the peer')
    .action(async (place: string, options: ShareOptions) => {
      const { client } = await findPeer(options);
      const share = await client.call('POST /api/v1/shares', { body: { path: path.resolve(place) } });
      if (options.json) sayJson(share);
      else say(`${plain(share.path)} is shared; see how far it is with "chordial shares"`);
    });
}

export function unshareCommand(): Command {
  return peerCommand('unshare', 'ends a share; its files stay', 'chordial unshare ~/Music')
    .argument('<dir>', 'a folder or file that is shared')
    .action(async (place: string, options: ShareOptions) => {
      const { client } = await findPeer(options);
      const share = await client.call('DELETE /api/v1/shares', { body: { path: path.resolve(place) } });
      if (options.json) sayJson({ path: share.path, shared: false });
      else say(`${plain(share.path)} is not shared any more`);
    });
}

export function sharesCommand(): Command {
  return peerCommand('shares', 'lists what this peer shares', 'chordial shares').action(
    async (options: ShareOptions) => {
      const { client } = await findPeer(options);
      const { shares } = await client.call('GET /api/v1/shares');
      if (options.json) sayJson({ shares });
      else if (shares.length === 0) say('nothing is shared; share a folder with "chordial share DIR"');
      else say(listing(shares));
    },
  );
}

function listing(shares: readonly Share[]): string {
  const columns = [
    { title: 'FOLDER' },
    { title: 'FILES', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'STATE' },
  ] as const;
  return table(
    columns,
    shares.map((share) => [share.path, String(share.files), shownSize(share.bytes), stateOf(share)]),
  );
}

function stateOf({ state, files, indexed, announced, unreadable }: Share): string {
  const parts = [state === 'indexing' ? `${state} ${indexed} of ${files}` : state];
  if (announced < indexed) parts.push(`${announced} announced`);
  if (unreadable > 0) parts.push(`${unreadable} unreadable`);
  return parts.join(', ');
}
