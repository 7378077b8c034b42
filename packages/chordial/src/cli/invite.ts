/** `chordial invite`: prints a line that admits a peer of another machine. */
import { type Command, Option } from 'commander';
import encodeQR from 'qr';
import { ChordialError } from '../errors.ts';
import { isLoopbackAddress } from '../network/addresses.ts';
import { maxUses } from '../network/admission.ts';
import { parseDuration, parseWhole } from '../peer/quantities.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';

interface InviteOptions extends CommonOptions, PeerOptions {
  readonly expires: string;
  readonly uses: string;
  readonly rights: string;
  readonly qr?: boolean;
}

const grantable = ['store', 'publish', 'invite'] as const;

export function inviteCommand(): Command {
  return peerCommand('invite', 'prints an invite, with which another machine can "chordial join"', 'chordial invite')
    .addOption(new Option('--expires <time>', 'how long it is valid, such as 30m, 12h or 7d').default('7d'))
    .addOption(new Option('--uses <n>', 'how many members it admits').default('1'))
    .addOption(new Option('--rights <list>', 'of store, publish, invite').default('store,publish'))
    .option('--qr', 'also prints a QR code')
    .addHelpText(
      'before',
      'The invite lets its holder join the network until it expires, up to --uses times. Members enforce both limits.\nKeep it as secret as a key. "chordial join" prompts for it or reads it from standard input.\n',
    )
    .action(async (options: InviteOptions) => {
      const timeToLive = parseDuration(options.expires, '--expires');
      const { client } = await findPeer(options);
      const invited = await client.call('POST /api/v1/invites', {
        body: { timeToLive, uses: usesOf(options.uses), rights: rightsOf(options.rights) },
      });
      if (options.json) return sayJson(invited);
      say(invited.invite);
      if (options.qr === true) say(qrPicture(invited.invite, process.stdout.isTTY === true));
      const whom = invited.uses === 1 ? 'one member' : `${invited.uses} members`;
      note(`it admits ${whom}, until ${invited.expires}. There: "chordial join", which prompts for it`);
      if (invited.addresses.every(isLoopbackAddress)) {
        note(
          `it leads to ${invited.addresses.join(', ')}, which only this machine reaches. For others start the peer with --listen 0.0.0.0:4848 or --advertise HOST:PORT.`,
        );
      }
    });
}

/** Light modules are full blocks with explicit colours, since a camera needs dark on light in any terminal theme. */
export function qrPicture(text: string, isTerminal: boolean): string {
  const picture = encodeQR(text, 'ascii', { ecc: 'low', border: 2 }).trimEnd();
  if (!isTerminal) return picture;
  return picture
    .split('\n')
    .map((line) => `\x1b[97;40m${line}\x1b[0m`)
    .join('\n');
}

function usesOf(text: string): number {
  return parseWhole(text, '--uses', 1, maxUses);
}

function rightsOf(text: string): readonly (typeof grantable)[number][] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const right = grantable.find((known) => known === one);
      if (right !== undefined) return right;
      const remedy = one === 'admin' ? ' Admins are made from members: "chordial admin add MEMBER".' : '';
      throw new ChordialError(
        'bad-usage',
        `--rights ${JSON.stringify(one.slice(0, 80))} is no right that an invite gives. Give some of ${grantable.join(', ')}.${remedy}`,
      );
    });
}
