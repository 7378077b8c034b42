/** `chordial ls`: files of this peer, or of all publishers. */
import type { Command } from 'commander';
import { naturalKey } from '../content/file-kinds.ts';
import { ChordialError } from '../errors.ts';
import { type TreePath, treePath } from '../folders/tree-path.ts';
import type { BrowsedFiles } from '../peer/peer.ts';
import type { FileEntry, FilePage } from '../transfer/files.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import type { ListedEntry } from '../transfer/get-folder.ts';
import { isPublisher } from '../transfer/of-publisher.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { findFile, parseReference, routeOf, splitPath } from './found-file.ts';
import { dateOf, say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { table } from './table.ts';

type Listed = Pick<FileEntry, 'name' | 'cid' | 'size' | 'type' | 'publisher' | 'publisherName' | 'sealed'>;

interface LsOptions extends CommonOptions, PeerOptions {
  readonly all?: boolean;
  readonly peer?: string;
}

const pageLength = 1000;

export function lsCommand(): Command {
  return peerCommand('ls', 'lists the files of this peer, or what is in a folder', 'chordial ls --all')
    .argument('[folder]', 'FOLDER or FOLDER/PATH, of this peer or another')
    .option('--all', "everybody's files")
    .option(
      '--peer <id>',
      'what this peer publishes and shares (what it is called, its id, or the beginning or end of it)',
    )
    .action(async (folder: string | undefined, options: LsOptions) => {
      const { client } = await findPeer(options);
      if (folder !== undefined) return listFolder(client, folder, options);
      const files: Listed[] = [];
      const found = options.peer === undefined ? allFiles(client, options.all === true) : filesOf(client, options.peer);
      for await (const file of found) files.push(file);
      if (options.json !== true) sortNaturally(files);
      if (options.json) sayJson({ files });
      else if (files.length === 0) say('no files');
      else say(listing(files));
    });
}

interface FolderEntry {
  readonly name: string;
  readonly type: 'file' | 'directory';
  readonly size: number;
  readonly modified: string | null;
}

/** An own folder as it is here, with changes that are not published yet; any other as it was published. */
async function listFolder(client: ApiClient, given: string, { json }: LsOptions): Promise<void> {
  const entries: FolderEntry[] = [];
  try {
    for await (const entry of ownEntries(client, treePath(given))) entries.push(entry);
  } catch (error) {
    if (!(error instanceof ChordialError) || error.code !== 'not-found') throw error;
    entries.push(...(await publishedEntries(client, given)));
  }
  if (json) return sayJson({ entries });
  if (entries.length === 0) return say('nothing is in it');
  const columns = [{ title: 'NAME', isCut: true }, { title: 'SIZE', align: 'right' }, { title: 'CHANGED' }] as const;
  const rows = entries.map(({ name, type, size, modified }) => [
    `${name}${type === 'directory' ? '/' : ''}`,
    type === 'directory' ? '' : formatBytes(size),
    modified === null ? '' : dateOf(modified),
  ]);
  say(table(columns, rows));
}

async function* ownEntries(client: ApiClient, { folder: name, path }: TreePath): AsyncGenerator<FolderEntry> {
  let cursor: string | null = null;
  do {
    const after: { readonly cursor?: string } = cursor === null ? {} : { cursor };
    const query = { path: path.join('/'), limit: pageLength, ...after };
    const page: {
      readonly entry: FolderEntry;
      readonly entries: readonly FolderEntry[];
      readonly cursor: string | null;
    } = await client.call('GET /api/v1/trees/{name}', { path: { name }, query });
    yield* page.entry.type === 'file' ? [page.entry] : page.entries;
    cursor = page.cursor;
  } while (cursor !== null);
}

async function publishedEntries(client: ApiClient, given: string): Promise<readonly FolderEntry[]> {
  const { whole, path } = splitPath(given);
  const found = await findFile(client, parseReference(whole), false, path);
  const { type, size, attributes } = found;
  const modifiedOf = (time: number | null | undefined) => (time == null ? null : new Date(time).toISOString());
  if (type === 'file') return [{ name: found.name ?? given, type, size, modified: modifiedOf(attributes.modified) }];
  const route = routeOf(found.reference);
  const { entries } = await client.json<{ entries: readonly (ListedEntry & { readonly modified?: number | null })[] }>(
    await client.open(route),
  );
  return entries
    .filter((one) => !one.path.includes('/'))
    .map((one) => ({ name: one.path, type: one.type, size: one.size, modified: modifiedOf(one.modified) }));
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
      `Several peers match ${peer}. Give more of the id, as "chordial peers --ids" shows it.`,
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

/** 1, 2, 10. */
function sortNaturally(files: Listed[]): void {
  const keys = new Map(files.map(({ name }) => [name, naturalKey(name ?? '')]));
  const keyOf = ({ name }: Listed): string => keys.get(name) ?? '';
  files.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
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
    files.map(({ name, type, size, publisherName, cid, sealed }) => [
      `${name ?? ''}${type === 'directory' ? '/' : ''}${sealed && name !== sealed.name ? ' (sealed)' : ''}`,
      formatBytes(size),
      publisherName ?? '',
      cid,
    ]),
  );
}
