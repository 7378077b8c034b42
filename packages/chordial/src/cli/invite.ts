/** `chordial invite`: prints a line that admits a peer of another machine. `chordial invites` lists those that are valid, and takes them back. */
import { type Command, Option } from 'commander';
import type { InviteList } from '../client/answers.ts';
import { ChordialError } from '../errors.ts';
import { maxUses } from '../network/admission.ts';
import { parseDuration, parseWhole } from '../peer/quantities.ts';
import { shortPeer } from '../transfer/of-publisher.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { type QrOptions, qrOptions, showQr } from './qr.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain, table } from './table.ts';

interface InviteOptions extends CommonOptions, PeerOptions, QrOptions {
  readonly expires: string;
  readonly uses: string;
  readonly rights: string;
  readonly share?: string;
}

const grantable = ['store', 'publish', 'invite'] as const;

export function inviteCommand(): Command {
  return qrOptions(
    peerCommand('invite', 'prints an invite, with which another machine can "chordial join"', 'chordial invite'),
  )
    .addOption(new Option('--expires <time>', 'how long it is valid, such as 30m, 12h or 7d').default('7d'))
    .addOption(new Option('--uses <n>', 'how many members it admits').default('1'))
    .addOption(new Option('--rights <list>', 'of store, publish, invite').default('store,publish'))
    .option('--share <percent>', 'how much of the storage of each peer each may use, such as 5%')
    .addHelpText(
      'before',
      'The invite lets its holder join the network until it expires, up to --uses times. Members enforce both limits.\nKeep it as secret as a key. "chordial join" prompts for it or reads it from standard input.\n',
    )
    .action(async (options: InviteOptions) => {
      const timeToLive = parseDuration(options.expires, '--expires');
      const { client } = await findPeer(options);
      const share = options.share === undefined ? {} : { share: shareOf(options.share) };
      const invited = await client.call('POST /api/v1/invites', {
        body: { timeToLive, uses: usesOf(options.uses), rights: rightsOf(options.rights), ...share },
      });
      if (options.json) sayJson(invited);
      else say(invited.invite);
      await showQr(invited.invite, options);
      if (options.json) return;
      const whom = invited.uses === 1 ? 'one member' : `${invited.uses} members`;
      note(`it admits ${whom}, until ${invited.expires}. There: "chordial join", which prompts for it`);
      if (invited.isLocal) {
        note(
          `it leads to ${invited.addresses.join(', ')}, which only this machine reaches. For others start the peer with --listen 0.0.0.0:4848 or --advertise HOST:PORT.`,
        );
      }
    });
}

interface InvitesOptions extends CommonOptions, PeerOptions {
  readonly takeBack?: string;
}

export function invitesCommand(): Command {
  return peerCommand(
    'invites',
    'lists the invites of this peer that are valid, or takes one back',
    'chordial invites\n  chordial invites --take-back ID',
  )
    .option('--take-back <id>', 'ends the invite; who came by it stays (admins)')
    .action(async (options: InvitesOptions) => {
      const { client } = await findPeer(options);
      if (options.takeBack !== undefined) {
        const { invites } = await client.call('GET /api/v1/invites');
        const invite =
          invites.find(({ id }) => id.endsWith(options.takeBack!.replace('…', '')))?.id ?? options.takeBack;
        await client.call('DELETE /api/v1/invites/{invite}', { path: { invite } });
        if (options.json) sayJson({ invite });
        else say('taken back: it admits no one any more');
        return;
      }
      const answer = await client.call('GET /api/v1/invites');
      if (options.json) sayJson(answer);
      else if (answer.invites.length === 0) say('no invite is valid');
      else say(listing(answer.invites));
    });
}

function listing(invites: InviteList['invites']): string {
  const columns = ['ID', 'USES', 'RIGHTS', 'SHARE', 'UNTIL', 'CAME'].map((title) => ({ title }));
  return table(
    columns,
    invites.map(({ id, uses, rights, share, expires, members }) => [
      shortPeer(id),
      `${members.length} of ${uses}`,
      rights.join(','),
      share === null ? 'usual' : `${Math.round(share * 1000) / 10} %`,
      expires.slice(0, 16).replace('T', ' '),
      members.map(plain).join(', '),
    ]),
  );
}

/** Of a percentage, from 0.1 % to all. */
export function shareOf(text: string): number {
  const percent = /^(\d{1,3}(?:\.\d)?)\s*%?$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (percent !== undefined && share > 0 && share <= 1) return share;
  throw new ChordialError(
    'bad-usage',
    `--share ${JSON.stringify(text.slice(0, 80))} is no part of the storage. Give a percentage from 0.1 to 100, such as 5%.`,
  );
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
