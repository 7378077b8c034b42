/** `chordial invite`: a line that lets a peer of another machine in. */
import { type Command, Option } from 'commander';
import { isLoopbackAddress } from '../network/addresses.ts';
import { parseDuration } from '../node/quantities.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';

interface InviteOptions extends CommonOptions, PeerOptions {
  readonly expires: string;
}

export function inviteCommand(): Command {
  return peerCommand('invite', 'prints a line that lets other machines in with "chordial join"', 'chordial invite')
    .addOption(new Option('--expires <time>', 'how long "join" takes it, such as 30m, 12h or 7d').default('7d'))
    .addHelpText(
      'before',
      'Whoever has the line can join the network, read everything in it and store: it holds the secret.\nAfter its time "join" refuses it, but the secret in it stays the same: send it to nobody else.\n',
    )
    .action(async (options: InviteOptions) => {
      const timeToLive = parseDuration(options.expires, '--expires');
      const { client } = await findPeer(options);
      const invited = await client.call('POST /api/v1/invites', { body: { timeToLive } });
      if (options.json) return sayJson(invited);
      say(invited.invite);
      note(`whoever has this line can join the network, until ${invited.expires}. There: chordial join INVITE`);
      if (invited.addresses.every(isLoopbackAddress)) {
        note(
          `it leads to ${invited.addresses.join(', ')}, which only this machine reaches. For others start the peer with --listen 0.0.0.0:4848 or --advertise HOST:PORT.`,
        );
      }
    });
}
