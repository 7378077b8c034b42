/** `chordial drive`: what to type into a file manager to open the network as a drive. */
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import { parseDuration } from '../peer/quantities.ts';
import { davUser } from '../peer/tokens.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { checkQrFile, type QrOptions, qrOptions, showQr } from './qr.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { fields } from './table.ts';

interface DriveOptions extends CommonOptions, PeerOptions, QrOptions {
  readonly readOnly?: boolean;
  readonly expires?: string;
}

export function driveCommand(): Command {
  const made = peerCommand('drive', 'makes a token, and says how to open the network as a drive', 'chordial drive')
    .option('--read-only', 'it changes nothing')
    .option('--expires <time>', 'for so long, for example 30d; else until it is removed');
  return qrOptions(made).action(async (options: DriveOptions) => {
    checkQrFile(options);
    const { client } = await findPeer(options);
    const { door } = await client.call('GET /api/v1/node', { query: { fingers: 'none' } });
    if (door === null || !door.services.includes('dav'))
      throw new ChordialError(
        'no-door',
        'This peer serves no drive. Start it with "--door 127.0.0.1:8443 --serve dav", and with --tls-cert and --tls-key where others can listen in.',
      );
    const timeToLive = options.expires === undefined ? null : parseDuration(options.expires, '--expires');
    const { token, id } = await client.call('POST /api/v1/tokens', {
      body: { for: 'dav', readOnly: options.readOnly === true, ...(timeToLive !== null && { timeToLive }) },
    });
    const url = `${door.url}/dav/`;
    if (options.json) return sayJson({ url, user: davUser, password: token, token: id });
    say(fields(lines(url, token)));
    note(`The password is not shown again; end it with: chordial token rm ${id}`);
    await showQr(url, options);
  });
}

function lines(url: string, password: string): readonly (readonly [string, string])[] {
  const { host, protocol, pathname } = new URL(url);
  const dav = `${protocol === 'https:' ? 'davs' : 'dav'}://${davUser}@${host}${pathname}`;
  return [
    ['address', url],
    ['user', davUser],
    ['password', password],
    ['Finder', `Go, Connect to Server: ${url}`],
    ['GNOME, KDE', dav],
    ['Windows', `net use * ${url} ${password} /user:${davUser}`],
    ['rclone', `rclone config create chordial webdav url=${url} vendor=owncloud user=${davUser} pass=${password}`],
    ['davfs2', `mount -t davfs ${url} /mnt`],
  ];
}
