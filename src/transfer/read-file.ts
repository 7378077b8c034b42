/** Reading content: the bytes of a file in order, and what lies below a folder. */
import type { CID } from 'multiformats/cid';
import { parseCid, rawCodec } from '../content/cid.ts';
import type { DirectoryContent } from '../content/directory-reader.ts';
import type { LeafReference } from '../content/file-reader.ts';
import { openContent } from '../content/reader.ts';
import { ChordialError } from '../errors.ts';
import { fetchInOrder } from '../replication/block-stream.ts';
import { fetchBlocks } from './fetch-blocks.ts';
import type { FilePorts } from './file-ports.ts';
import type { DirectoryEntry } from './files.ts';
import { maximumFolderDepth } from './put-path.ts';

/** Verified bytes of [start, end), in order. Throws `range-not-satisfiable` for a range that the file does not have. */
export async function* readFile(
  allPorts: FilePorts,
  cid: string,
  range: { readonly start: number; readonly end: number } | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const root = parseCid(cid);
  const ports = readingOf(allPorts, root);
  const content = await openContent(root, fetchBlocks(ports.fetcher, signal));
  if (content.type === 'directory') {
    throw new ChordialError('bad-request', `${cid} is a folder. Get it into a folder, or name a file in it.`);
  }
  const { start, end } = range ?? { start: 0, end: content.size };
  if (!(start >= 0 && start <= end && end <= content.size)) {
    throw new ChordialError(
      'range-not-satisfiable',
      `Bytes ${start} to ${end} are not all in the ${content.size} bytes of ${cid}.`,
    );
  }
  const read = async (leaf: LeafReference) => ({ leaf, bytes: await leafBytesOf(ports, leaf, signal) });
  for await (const { leaf, bytes } of fetchInOrder(content.leaves(start, end), read)) {
    const first = Math.max(0, start - leaf.offset);
    const last = Math.min(leaf.length, end - leaf.offset);
    yield first === 0 && last === bytes.length ? bytes : bytes.subarray(first, last);
  }
}

/** Its blocks come from the ring and from whoever shares it. */
export function readingOf(ports: FilePorts, root: CID): FilePorts {
  return { ...ports, fetcher: ports.fetcherOf(root) };
}

/** The bytes of one leaf; what its tree announced must be what it holds. */
export async function leafBytesOf(ports: FilePorts, leaf: LeafReference, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = leaf.inline ?? (await ports.fetcher.fetch(leaf.cid, signal));
  if (bytes.length === leaf.length) return bytes;
  throw new ChordialError(
    'bad-content',
    `Block ${leaf.cid} holds ${bytes.length} bytes where its file announces ${leaf.length}. Its publisher made it so.`,
  );
}

/** Entries below a folder, each folder before what is in it. */
export async function* walkFolder(
  allPorts: FilePorts,
  cid: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<DirectoryEntry, void, undefined> {
  const root = parseCid(cid);
  const ports = readingOf(allPorts, root);
  const content = await openContent(root, fetchBlocks(ports.fetcher, signal));
  if (content.type === 'file')
    throw new ChordialError('bad-request', `${cid} is a file, not a folder. Read it instead.`);
  yield* walk(ports, content, '', 0, signal);
}

async function* walk(
  ports: FilePorts,
  folder: DirectoryContent,
  above: string,
  depth: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<DirectoryEntry, void, undefined> {
  if (depth > maximumFolderDepth)
    throw new ChordialError('bad-content', `The folder is more than ${maximumFolderDepth} levels deep.`);
  for await (const { name, cid, size } of folder.entries()) {
    const path = above + name;
    // A lone leaf is a file of that many bytes; of any other node only a look says what it is.
    if (isLeaf(cid)) {
      yield { path, cid: cid.toString(), size, type: 'file' };
      continue;
    }
    const content = await openContent(cid, fetchBlocks(ports.fetcher, signal));
    yield { path, cid: cid.toString(), size: content.type === 'file' ? content.size : size, type: content.type };
    if (content.type === 'directory') yield* walk(ports, content, `${path}/`, depth + 1, signal);
  }
}

function isLeaf(cid: CID): boolean {
  return cid.code === rawCodec;
}
