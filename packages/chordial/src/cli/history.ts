/** `chordial history FOLDER` and `chordial restore FOLDER --at TIME`: earlier versions of an own folder. */
import type { Command } from 'commander';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { dateOf, say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain, table } from './table.ts';

interface Version {
  /** ISO 8601. */
  readonly time: string;
  readonly cid: string;
  readonly size: number;
}

export function historyCommand(): Command {
  return peerCommand('history', 'lists the versions of an own folder that are kept', 'chordial history notes')
    .argument('<folder>', 'a folder that this peer has put')
    .action(async (argument: string, options: CommonOptions & PeerOptions) => {
      const { client } = await findPeer(options);
      const name = checkName(argument);
      const { versions } = await client.call('GET /api/v1/trees/{name}/versions', { path: { name } });
      if (options.json) sayJson({ name, versions });
      else if (versions.length === 0) say('no version is kept yet: one is with the first change');
      else say(listing(versions));
    });
}

export function restoreCommand(): Command {
  return peerCommand('restore', 'makes an own folder what it was', 'chordial restore notes --at 2026-11-30T12:00')
    .argument('<folder>', 'a folder that this peer has put')
    .requiredOption('--at <time>', 'the version that was current then; "chordial history" lists them')
    .action(async (argument: string, options: CommonOptions & PeerOptions & { readonly at: string }) => {
      const { client } = await findPeer(options);
      const name = checkName(argument);
      const time = new Date(timeOf(options.at)).toISOString();
      const restored = await client.call('POST /api/v1/trees/{name}/restore', { path: { name }, body: { time } });
      if (options.json) sayJson({ name, ...restored });
      else say(`${plain(name)} is what it was on ${dateOf(restored.time)}; what it was before is in its history`);
    });
}

/** The version that was current at a time. Throws `bad-usage` and `not-found`. */
export function versionAt(versions: readonly Version[], at: string, name: string): Version {
  const time = timeOf(at);
  const found = versions.find((one) => Date.parse(one.time) <= time);
  if (found !== undefined) return found;
  throw new ChordialError(
    'not-found',
    `No version of ${JSON.stringify(name)} from before ${at} is kept. See "chordial history ${name}".`,
  );
}

function timeOf(at: string): number {
  const time = Date.parse(at);
  if (!Number.isNaN(time)) return time;
  throw new ChordialError('bad-usage', `--at ${at} is no time. Give one such as 2026-11-30 or 2026-11-30T12:00.`);
}

function listing(versions: readonly Version[]): string {
  const columns = [{ title: 'TIME' }, { title: 'SIZE', align: 'right' }, { title: 'CID' }] as const;
  return table(
    columns,
    versions.map(({ time, size, cid }) => [time, formatBytes(size), cid]),
  );
}
