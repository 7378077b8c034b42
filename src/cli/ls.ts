/** `chordial ls`: files that this peer publishes, or everybody's. */
import type { Command } from 'commander';
import type { FileEntry, FilePage } from '../transfer/files.ts';
import { isPublisher } from '../transfer/of-publisher.ts';
import { shownSize } from '../transfer/shown-size.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { shortPeer, table } from './table.ts';

interface LsOptions extends CommonOptions, PeerOptions {
  readonly all?: boolean;
  readonly peer?: string;
}

const pageLength = 1000;

export function lsCommand(): Command {
  return peerCommand('ls', 'lists the files of this peer', 'chordial ls --all')
    .option('--all', "everybody's files")
    .option('--peer <id>', 'files of this publisher (its id, or the beginning or end of it)')
    .action(async (options: LsOptions) => {
      const { client } = await findPeer(options);
      const files: FileEntry[] = [];
      for await (const file of allFiles(client, options.all === true || options.peer !== undefined)) {
        if (options.peer === undefined || isOf(file, options.peer)) files.push(file);
      }
      if (options.json) sayJson({ files });
      else if (files.length === 0) say('no files');
      else say(listing(files));
    });
}

async function* allFiles(client: ApiClient, all: boolean): AsyncGenerator<FileEntry> {
  let cursor: string | null = null;
  do {
    const after: { readonly cursor?: string } = cursor === null ? {} : { cursor };
    const page: FilePage = await client.call('GET /api/v1/files', { query: { all, limit: pageLength, ...after } });
    yield* page.files;
    cursor = page.cursor;
  } while (cursor !== null);
}

function isOf({ publisher }: FileEntry, peer: string): boolean {
  return publisher !== null && (isPublisher(publisher, peer) || publisher.endsWith(peer));
}

function listing(files: readonly FileEntry[]): string {
  const columns = [
    { title: 'NAME' },
    { title: 'SIZE', align: 'right' },
    { title: 'PUBLISHER' },
    { title: 'CID' },
  ] as const;
  return table(
    columns,
    files.map(({ name, type, size, publisher, cid }) => [
      `${name ?? ''}${type === 'directory' ? '/' : ''}`,
      shownSize(size),
      shortPeer(publisher ?? ''),
      cid,
    ]),
  );
}
