/** Reads content: the bytes of a file in order, and entries below a folder. */
import type { CID } from 'multiformats/cid';
import { parseCid, rawCodec } from '../content/cid.ts';
import type { FileContent, LeafReference } from '../content/file-reader.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { openContent } from '../content/reader.ts';
import type { OpenedFile } from '../content/sealed.ts';
import { maxFolderDepth, walkFolder as walkTree } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import { type ContentFetcher, fetchBlocks, resumedAfterStop } from './content-fetcher.ts';
import type { FilePorts } from './file-ports.ts';
import type { DirectoryEntry, FileEntry, FolderEntry, ReadRange } from './files.ts';
import type { ContentRange, ContentReader } from './read-memory.ts';
import { checkIsOpen } from './seals.ts';

/** Verified bytes of [start, end), in order. Throws `range-not-satisfiable` for a range outside the file. */
export async function* readFile(
  allPorts: FilePorts,
  cid: string,
  range: ReadRange | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const root = parseCid(cid);
  const { fetcher: blocks, reading, data } = readingOf(allPorts, root);
  const fetcher = resumedAfterStop(blocks, data.stop);
  const reader = reading.open(fetcher, range === undefined ? Infinity : range.end - range.start, signal);
  try {
    const content = await openForReading(root, fetcher, reader, { range, signal });
    if (range?.size !== undefined) checkSize({ cid, size: range.size }, content.size);
    const { start, end } = range ?? { start: 0, end: content.size };
    if (!(start >= 0 && start <= end && end <= content.size)) {
      throw new ChordialError(
        'range-not-satisfiable',
        `Bytes ${start} to ${end} are not all in the ${content.size} bytes of ${cid}.`,
      );
    }
    yield* reader.pieces(content.leaves(start, end), { start, end });
  } finally {
    reader.close();
  }
}

/** The content of an entry: of a sealed file the plaintext. Throws `no-key` before anything. */
export async function* readEntry(
  ports: FilePorts,
  entry: FileEntry,
  { range, signal, passphrase }: EntryReading,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!entry.sealed) return yield* readFile(ports, entry.cid, range, signal);
  const opened = await openEntry(ports, entry, { signal, passphrase });
  const { start, end } = range ?? { start: 0, end: opened.size };
  if (!(start >= 0 && start <= end && end <= opened.size))
    throw new ChordialError(
      'range-not-satisfiable',
      `Bytes ${start} to ${end} are not all in the ${opened.size} bytes of ${entry.name ?? entry.cid}.`,
    );
  yield* opened.read(start, end);
}

export interface EntryReading {
  readonly range?: ReadRange | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly passphrase?: string | undefined;
}

/** The sealed file behind an entry. Throws `no-key`, or `bad-content` when it has another size than announced. */
export async function openEntry(
  ports: FilePorts,
  entry: FileEntry,
  { signal, passphrase }: Pick<EntryReading, 'signal' | 'passphrase'> = {},
): Promise<OpenedFile> {
  const { cid, sealed } = entry;
  if (!sealed) throw new ChordialError('bad-request', `${entry.name ?? cid} is not sealed.`);
  checkIsOpen(entry, passphrase);
  const read = (start: number, end: number) => readFile(ports, cid, { start, end, size: sealed.size }, signal);
  const opened = await ports.seals.open(cid, sealed.size, read, passphrase);
  checkSize(entry, opened.size);
  return opened;
}

interface Reading {
  readonly range: ContentRange | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A lone raw block is the only leaf, so that its memory is released like any other's. */
async function openForReading(
  root: CID,
  fetcher: ContentFetcher,
  reader: ContentReader,
  { range, signal }: Reading,
): Promise<Pick<FileContent, 'size' | 'leaves'>> {
  if (root.code === rawCodec) {
    const size = await reader.openBlock(root, Math.min(range?.end ?? leafBytes, leafBytes));
    return { size, leaves: noLeaves };
  }
  const content = await openContent(root, fetchBlocks(fetcher, signal));
  if (content.type === 'file') return content;
  throw new ChordialError('bad-request', `${root} is a folder. Get it into a folder, or name a file in it.`);
}

async function* noLeaves(): AsyncGenerator<LeafReference, void, undefined> {}

/** Blocks come from the ring and from sharers. */
export function readingOf(ports: FilePorts, root: CID): FilePorts {
  return { ...ports, fetcher: ports.fetcherOf(root) };
}

/** The bytes of one leaf, which must match its tree. */
export async function leafBytesOf(ports: FilePorts, leaf: LeafReference, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = leaf.inline ?? (await ports.fetcher.fetch(leaf.cid, signal));
  if (bytes.length === leaf.length) return bytes;
  throw new ChordialError(
    'bad-content',
    `Block ${leaf.cid} holds ${bytes.length} bytes where its file announces ${leaf.length}. It was published like this.`,
  );
}

/** Entries below a folder, each folder before its contents. Throws `bad-content` beyond the limits of walks. */
export async function* walkFolder(
  allPorts: FilePorts,
  cid: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<DirectoryEntry, void, undefined> {
  const root = parseCid(cid);
  const fetch = fetchBlocks(readingOf(allPorts, root).fetcher, signal);
  const content = await openContent(root, fetch);
  if (content.type === 'file')
    throw new ChordialError('bad-request', `${cid} is a file, not a folder. Read it instead.`);
  for await (const entry of walkTree(content, fetch, signal)) yield { ...entry, cid: entry.cid.toString() };
}

/** Entries of one folder, not of those below it, in the order of its blocks. Throws `bad-request` for a file. */
export async function* folderEntries(
  allPorts: FilePorts,
  cid: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FolderEntry, void, undefined> {
  const root = parseCid(cid);
  const content = await openContent(root, fetchBlocks(readingOf(allPorts, root).fetcher, signal));
  if (content.type === 'file')
    throw new ChordialError('bad-request', `${cid} is a file, not a folder. Read it instead.`);
  for await (const entry of content.entries())
    yield { name: entry.name, cid: entry.cid.toString(), size: entry.size, isLeaf: entry.cid.code === rawCodec };
}

/** The entry at a path below a folder, or without one the content itself; null when there is none. Fetches only the folders on the path. */
export async function entryAt(
  allPorts: FilePorts,
  cid: string,
  path: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DirectoryEntry | null> {
  if (path.length > maxFolderDepth) return null;
  const root = parseCid(cid);
  const fetch = fetchBlocks(readingOf(allPorts, root).fetcher, signal);
  let content = await openContent(root, fetch);
  const own: DirectoryEntry = { path: '', cid, size: content.type === 'file' ? content.size : 0, type: content.type };
  let found: DirectoryEntry | null = path.length === 0 ? own : null;
  for (const [index, name] of path.entries()) {
    const entry = content.type === 'directory' ? await content.entry(name) : null;
    if (entry === null) return null;
    const place = { path: path.join('/'), cid: entry.cid.toString() };
    // A lone leaf is a file of that many bytes; any other node must be opened to know.
    if (entry.cid.code === rawCodec)
      return index === path.length - 1 ? { ...place, size: entry.size, type: 'file' } : null;
    content = await openContent(entry.cid, fetch);
    found = { ...place, size: content.type === 'file' ? content.size : entry.size, type: content.type };
  }
  return found;
}

/** Throws `bad-content` unless the content has the size that its entry announced: users decide by that size. */
export function checkSize({ cid, size }: Pick<FileEntry, 'cid' | 'size'>, found: number): void {
  if (found === size) return;
  throw new ChordialError(
    'bad-content',
    `The content ${cid} is announced with ${size} bytes and has ${found}. It was published like this; try another publisher.`,
  );
}
