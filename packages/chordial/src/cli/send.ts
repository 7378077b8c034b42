/** `chordial send FILE…`: puts something sealed for a while, and says the code by which another receives it. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import { maxTimes } from '../codes/code-messages.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { parseDuration, parseWhole } from '../peer/quantities.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { attributesOf, checkUnchanged, openToRead, piecesOf } from '../transfer/local-file.ts';
import { localFolder } from '../transfer/local-folder.ts';
import { type ZipEntry, zip } from '../transfer/zip.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { Interruption } from './end-signals.ts';
import { dateOf, note, say, sayJson } from './output.ts';
import { Progress } from './progress.ts';
import { checkNamesDiffer, putOne, type Source, sourceOf } from './put.ts';
import { checkQrFile, type QrOptions, qrOptions, showQr } from './qr.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';

const maxExpires = 30 * 86_400_000;

interface SendOptions extends CommonOptions, PeerOptions, QrOptions {
  readonly name?: string;
  readonly expires: string;
  readonly times?: string;
}

export function sendCommand(): Command {
  const made = peerCommand(
    'send',
    'sends files to somebody by a code, who needs no membership',
    'chordial send holiday.mp4\n  chordial send photos/ letter.txt --expires 1d --qr',
  )
    .argument('<path...>', 'what to send; a folder, or several, as one ZIP file')
    .option('--name <name>', 'what it is called where it is received')
    .addOption(new Option('--expires <time>', 'how long code and file last, at most 30d').default('7d'))
    .option('--times <n>', 'receives after which the code ends; any number if not given');
  return qrOptions(made)
    .addHelpText(
      'before',
      'The file is sealed: who has the code can read it, and the members that store it cannot, except the few that keep the code. When the command has ended, this peer may be off.\n',
    )
    .action(async (paths: readonly string[], options: SendOptions) => {
      const timeToLive = parseDuration(options.expires, '--expires');
      if (timeToLive > maxExpires)
        throw new ChordialError('bad-usage', `--expires ${options.expires} is above the 30 days that a code lasts.`);
      const terms = {
        timeToLive,
        ...(options.times === undefined ? {} : { times: parseWhole(options.times, '--times', 1, maxTimes) }),
      };
      checkQrFile(options);
      const { source, name } = await whatIsSent(paths, options.name);
      const peer = await findPeer(options);
      using interruption = new Interruption();
      const { signal } = interruption;
      // Another file of this name, or the same sent again, does not end this one.
      const named = { ...source, name: `sent-${randomBytes(8).toString('hex')}` };
      const job = { peer, settings: { timeToLive, sealed: { to: [] } }, signal };
      await putOne(job, named, new Progress(`send ${plain(name)}`, options));
      const sent = await peer.client.call('POST /api/v1/codes', {
        body: { name: named.name, as: name, isCopy: true, ...terms },
      });
      const { code, door, link, expires, guardians } = sent;
      if (options.json) sayJson(sent);
      else say(code);
      await showQr(link.url ?? code, options);
      if (options.json) return;
      note(`${name}, ${formatBytes(link.size)}, until ${dateOf(expires)}`);
      if (guardians === 1) note('no other member keeps the code: leave this peer on until it is received');
      const at = door === null ? '' : `@${new URL(door).host}`;
      note(
        `receive it with "chordial receive ${code}", away from here with "chordial receive ${code}${at || '@DOOR:PORT'}"`,
      );
      if (link.url === null) note('no member has a door that serves links: it is received where a peer runs');
      else note(`or in a browser: ${link.url}`);
    });
}

async function whatIsSent(paths: readonly string[], given: string | undefined) {
  const sources = await Promise.all(paths.map((one) => sourceOf(one, undefined)));
  for (const { failure } of sources) if (failure !== null) throw failure;
  const [first] = sources;
  if (first === undefined) throw new ChordialError('bad-usage', 'Give what to send.');
  if (first.path === null && given === undefined)
    throw new ChordialError('bad-usage', 'Standard input has no name of its own. Give one with --name NAME.');
  if (sources.length === 1 && !first.isFolder) return { source: first, name: checkName(given ?? first.name) };
  if (sources.some(({ path }) => path === null))
    throw new ChordialError('bad-usage', 'Standard input is sent alone. Give no other file beside it.');
  checkNamesDiffer(sources);
  const base = sources.length === 1 ? first.name : `${first.name} and more`;
  const name = checkName(given ?? `${base}.zip`);
  const stream = Readable.from(
    zip(entriesOf(sources), ({ bytes }) => bytes),
    { objectMode: false },
  );
  return { source: { ...first, path: null, isFolder: false, size: null, stream }, name };
}

interface Zipped extends ZipEntry {
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Each below its own name. */
async function* entriesOf(sources: readonly Source[]): AsyncGenerator<Zipped, void, undefined> {
  const now = Date.now();
  for (const { path, name, isFolder, given } of sources) {
    if (path === null) continue;
    if (isFolder) {
      const items = localFolder(path, ({ path: below, reason }) => note(`${given}/${below} is left out: ${reason}`));
      for await (const item of items) yield { ...item, path: `${name}/${item.path}`, modified: item.modified ?? now };
      continue;
    }
    const file = await openToRead(path, false);
    try {
      const status = await file.stat({ bigint: true });
      const { modified, executable } = attributesOf(status);
      const bytes = piecesOf(file, path, () => checkUnchanged(file, path, status));
      yield { path: name, type: 'file', size: Number(status.size), modified: modified ?? now, executable, bytes };
    } finally {
      await file.close();
    }
  }
}
