/** Reads content: the bytes of a file in order, and entries below a folder. */
import type { CID } from 'multiformats/cid';
import { parseCid, rawCodec } from '../content/cid.ts';
import type { FileContent, LeafReference } from '../content/file-reader.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { openContent } from '../content/reader.ts';
import { maxFolderDepth, walkFolder as walkTree } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import { type ContentFetcher, fetchBlocks } from './content-fetcher.ts';
import type { FilePorts } from './file-ports.ts';
import type { DirectoryEntry, FileEntry, ReadRange } from './files.ts';
import type { ContentRange, ContentReader } from './read-memory.ts';

/** Verified bytes of [start, end), in order. Throws `range-not-satisfiable` for a range outside the file. */
export async function* readFile(
  allPorts: FilePorts,
  cid: string,
  range: ReadRange | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const root = parseCid(cid);
  const { fetcher, reading } = readingOf(allPorts, root);
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

/** The entry at a path below a folder; null when there is none. Fetches only the folders on the path. */
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
  let found: DirectoryEntry | null = null;
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
