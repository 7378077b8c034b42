/** `chordial ls`: files of this peer, or of all publishers. */
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import type { BrowsedFiles } from '../peer/peer.ts';
import type { FileEntry, FilePage } from '../transfer/files.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { isPublisher } from '../transfer/of-publisher.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { table } from './table.ts';

type Listed = Pick<FileEntry, 'name' | 'cid' | 'size' | 'type' | 'publisher' | 'publisherName'>;

interface LsOptions extends CommonOptions, PeerOptions {
  readonly all?: boolean;
  readonly peer?: string;
}

const pageLength = 1000;

export function lsCommand(): Command {
  return peerCommand('ls', 'lists the files of this peer', 'chordial ls --all')
    .option('--all', "everybody's files")
    .option(
      '--peer <id>',
      'what this peer publishes and shares (what it is called, its id, or the beginning or end of it)',
    )
    .action(async (options: LsOptions) => {
      const { client } = await findPeer(options);
      const files: Listed[] = [];
      const found = options.peer === undefined ? allFiles(client, options.all === true) : filesOf(client, options.peer);
      for await (const file of found) files.push(file);
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

/** From the peer itself; when it is away, what the ring holds for it. */
async function* filesOf(client: ApiClient, peer: string): AsyncGenerator<Listed> {
  const { peers } = await client.call('GET /api/v1/peers');
  const { id: own } = await client.call('GET /api/v1/node');
  const here = peers.filter(({ state }) => state === 'alive' || state === 'suspected');
  const called = here.filter(({ name }) => name === peer).map(({ id }) => id);
  const byId = [own, ...here.map(({ id }) => id)].filter((id) => isPublisher(id, peer) || id.endsWith(peer));
  const [found, another] = called.length > 0 ? called : byId;
  if (another !== undefined) {
    throw new ChordialError(
      'bad-usage',
      `Several peers match ${peer}. Give more of the id, as "chordial peers" shows it.`,
    );
  }
  if (found === undefined) {
    for await (const file of allFiles(client, true)) if (isOf(file, peer)) yield file;
    return;
  }
  let cursor: string | null = null;
  do {
    const query: { readonly cursor?: string } = cursor === null ? {} : { cursor };
    const page: BrowsedFiles = await client.call('GET /api/v1/peers/{id}/files', { path: { id: found }, query });
    yield* page.files;
    cursor = page.cursor;
  } while (cursor !== null);
}

function isOf({ publisher, publisherName }: FileEntry, peer: string): boolean {
  if (publisher === null) return false;
  return publisherName === peer || isPublisher(publisher, peer) || publisher.endsWith(peer);
}

function listing(files: readonly Listed[]): string {
  const columns = [
    { title: 'NAME', isCut: true },
    { title: 'SIZE', align: 'right' },
    { title: 'PUBLISHER' },
    { title: 'CID' },
  ] as const;
  return table(
    columns,
    files.map(({ name, type, size, publisherName, cid }) => [
      `${name ?? ''}${type === 'directory' ? '/' : ''}`,
      formatBytes(size),
      publisherName ?? '',
      cid,
    ]),
  );
}
