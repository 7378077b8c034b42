/** `chordial link`, `links`, `unlink`: for people who are no members. */
import { type Command, Option } from 'commander';
import type { Link, MadeLink } from '../client/answers.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { parseLink } from '../links/link-address.ts';
import { maxTimes } from '../links/link-record.ts';
import { minLinkMilliseconds } from '../links/links.ts';
import { parseDuration, parseSize, parseWhole } from '../peer/quantities.ts';
import { maxLinkMilliseconds } from '../records/entry.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { parseReference } from './found-file.ts';
import { dateOf, note, say, sayJson } from './output.ts';
import { checkQrFile, type QrOptions, qrOptions, showQr } from './qr.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { askForNewSecret } from './secret-line.ts';
import { fields, plain, table } from './table.ts';

interface LinkOptions extends CommonOptions, PeerOptions, QrOptions {
  readonly expires: string;
  readonly password?: boolean;
  readonly sealed?: boolean;
  readonly times?: string;
  readonly drop?: string;
  readonly most?: string;
}

export function linkCommand(): Command {
  const made = peerCommand(
    'link',
    'makes a link to a file or folder for somebody who is no member',
    'chordial link photo.jpg --expires 1d --qr\n  chordial link --drop Inbox --most 5G',
  )
    .argument('[name|cid]', 'a file or folder of the network')
    .addOption(new Option('--expires <time>', 'how long it works, such as 30m, 12h or 7d').default('7d'))
    .option('--password', 'with a password, which is asked for or read from standard input')
    .option('--sealed', 'to a sealed copy, which no door can read: the key is in the URL alone')
    .option('--times <n>', 'how often each door lets the whole be fetched, approximately')
    .option('--drop <folder>', 'a drop box instead: who has the link uploads into this folder')
    .option('--most <size>', 'bytes that the drop box takes; 5G if not given');
  return qrOptions(made)
    .addHelpText(
      'before',
      'Who has the link has the file. Any member with a door serves it ("chordial start --door HOST:PORT --serve links"), and this peer may be off.\n',
    )
    .action(async (wanted: string | undefined, options: LinkOptions) => {
      const content = contentOf(wanted, options);
      const timeToLive = parseDuration(options.expires, '--expires');
      if (timeToLive < minLinkMilliseconds || timeToLive > maxLinkMilliseconds)
        throw new ChordialError('bad-usage', `--expires ${options.expires}: a link lasts from a second to 366 days.`);
      const terms = {
        timeToLive,
        ...(options.sealed === true ? { sealed: true } : {}),
        ...(options.times === undefined ? {} : { times: parseWhole(options.times, '--times', 1, maxTimes) }),
      };
      checkQrFile(options);
      const { client } = await findPeer(options);
      const secret = options.password === true ? { password: await askForNewSecret('Password of the link: ') } : {};
      const link = await client.call('POST /api/v1/links', { body: { ...content, ...terms, ...secret } });
      const url = link.url ?? link.path;
      if (options.json) sayJson(link);
      else say(url);
      await showQr(url, options);
      if (!options.json) note(termsOf(link));
      for (const { text } of link.notes) note(text);
    });
}

export function linksCommand(): Command {
  const made = peerCommand('links', 'lists the links of this peer and what was fetched', 'chordial links');
  return qrOptions(made)
    .argument('[id|url]', 'one of them, with its URL and its fetches')
    .action(async (wanted: string | undefined, options: CommonOptions & PeerOptions & QrOptions) => {
      const id = wanted === undefined ? null : parseLink(wanted).id;
      checkQrFile(options);
      if (id === null && (options.qr === true || options.qrFile !== undefined))
        throw new ChordialError('bad-usage', 'A QR code shows one link. Give its id.');
      const { client } = await findPeer(options);
      const { links } = await client.call('GET /api/v1/links');
      if (id === null) {
        showAll(links, options);
        return;
      }
      const link = links.find((one) => one.id === id);
      if (link === undefined)
        throw new ChordialError('not-found', `This peer has no link ${id}. List them with "chordial links".`);
      if (options.json) sayJson(link);
      else say(fields(lines(link)));
      await showQr(link.url ?? link.path, options);
    });
}

export function unlinkCommand(): Command {
  return peerCommand('unlink', 'takes a link back: it is gone at every door within seconds', 'chordial unlink ID')
    .argument('<id|url>', 'the link')
    .action(async (wanted: string, options: CommonOptions & PeerOptions) => {
      const { id } = parseLink(wanted);
      const { client } = await findPeer(options);
      await client.call('DELETE /api/v1/links/{id}', { path: { id } });
      if (options.json) sayJson({ id, removed: true });
      else say(`the link ${id} is taken back`);
    });
}

function contentOf(wanted: string | undefined, { drop, most, sealed, times }: LinkOptions) {
  if (drop !== undefined) {
    if (wanted !== undefined) throw new ChordialError('bad-usage', '--drop makes a drop box. Give no file beside it.');
    if (sealed === true) throw new ChordialError('bad-usage', 'A drop box is not sealed. Leave --sealed out.');
    if (times !== undefined)
      throw new ChordialError('bad-usage', 'A drop box takes any number of files. Leave --times out.');
    const bytes = most === undefined ? undefined : parseSize(most, '--most');
    if (bytes === 0)
      throw new ChordialError('bad-usage', 'A drop box of --most 0 takes nothing. Give a size above it.');
    return { drop: checkName(drop), ...(bytes === undefined ? {} : { most: bytes }) };
  }
  if (most !== undefined) throw new ChordialError('bad-usage', '--most belongs to a drop box. Give --drop FOLDER too.');
  if (wanted === undefined)
    throw new ChordialError(
      'bad-usage',
      'Give the name or CID of a file, or --drop FOLDER. "chordial ls" lists files.',
    );
  return parseReference(wanted);
}

function termsOf({ type, name, size, expires, times, hasPassword, isSealed }: MadeLink): string {
  const what = type === 'drop' ? `uploads into ${name}, up to ${formatBytes(size)}` : `${name}, ${formatBytes(size)}`;
  const often = times === null ? '' : `, ${times} times at each door`;
  return `it leads to ${what}, until ${dateOf(expires)}${often}${hasPassword ? ', with the password' : ''}${isSealed ? ', sealed' : ''}`;
}

function showAll(links: readonly Link[], options: CommonOptions): void {
  if (options.json) sayJson({ links });
  else if (links.length === 0) say('no links; make one with "chordial link NAME"');
  else say(listing(links));
}

function listing(links: readonly Link[]): string {
  const columns = [
    { title: 'LINK' },
    { title: 'NAME', isCut: true },
    { title: 'SIZE', align: 'right' },
    { title: 'UNTIL' },
    { title: 'FETCHED', align: 'right' },
    { title: 'LAST' },
  ] as const;
  const rows = links.map((link) => [
    link.id,
    link.type === 'drop' ? `uploads into ${link.name}` : link.name,
    formatBytes(link.size),
    link.isExpired ? 'expired' : dateOf(link.expires),
    link.times === null ? String(link.fetched) : `${link.fetched} of ${link.times}`,
    lastOf(link),
  ]);
  return table(columns, rows);
}

function lastOf({ fetches }: Link): string {
  return fetches[0] === undefined ? 'never' : dateOf(fetches[0].time);
}

function lines(link: Link): readonly (readonly [string, string])[] {
  const { url, path, name, type, cid, size, created, expires, isExpired, times, hasPassword, isSealed, fetches } = link;
  return [
    ['link', url ?? `${path}, and no door that answers serves it`],
    [type === 'drop' ? 'uploads into' : 'name', name],
    [type === 'drop' ? 'takes' : 'size', `${formatBytes(size)} (${size} bytes)`],
    ...(cid === null ? [] : [['cid', cid] as const]),
    ['made', dateOf(created)],
    [isExpired ? 'expired' : 'until', dateOf(expires)],
    ['password', hasPassword ? 'yes' : 'no'],
    ...(isSealed ? [['sealed', 'yes'] as const] : []),
    ['times', times === null ? 'any' : `${times} at each door`],
    ['fetched', String(link.fetched)],
    ...fetches.map(
      ({ time, doorName, bytes, whole }) =>
        [
          '',
          `${dateOf(time)} at ${plain(doorName)}, ${formatBytes(bytes)}${whole === 0 ? ', not the whole' : ''}`,
        ] as const,
    ),
  ];
}
