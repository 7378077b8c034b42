/**
 * Fetches the content of a sealed file to a local path. What an earlier attempt left counts as far as it gives, sealed
 * again with the key of the file, the very blocks of the file.
 */
import type { CID } from 'multiformats/cid';
import { buildOfLeaves, cutIntoLeaves } from '../content/builder.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import type { FileContent, LeafReference } from '../content/file-reader.ts';
import { type LeafPool, leafBytes } from '../content/leaf-pool.ts';
import { openContent } from '../content/reader.ts';
import { OpenedFile, plainBytesWithin, type ReadSealed, sealed } from '../content/sealed.ts';
import type { Seal } from '../content/sealed-header.ts';
import { ChordialError } from '../errors.ts';
import type { FolderHandle } from '../storage/folder-handle.ts';
import { fetchBlocks } from './content-fetcher.ts';
import { alreadyExists, whatIsAt } from './existing-target.ts';
import type { FilePorts } from './file-ports.ts';
import { type FileEntry, fileAttributesOf, type GetPathOptions } from './files.ts';
import { fileError, leavesOf } from './local-file.ts';
import { PartFile } from './part-file.ts';
import { leafBytesOf, openEntry } from './read-file.ts';
import { type ContentRange, maxLeavesInFlight } from './read-memory.ts';

export interface SealedGet {
  readonly entry: FileEntry;
  readonly cid: CID;
  readonly folder: FolderHandle;
  readonly base: string;
  readonly passphrase: string | undefined;
}

/** True when the target already held it. Throws `no-key`. */
export async function getSealed(ports: FilePorts, get: SealedGet, options: GetPathOptions): Promise<boolean> {
  const { entry, cid, folder, base, passphrase } = get;
  const { signal, force = false, mark } = options;
  const opened = await openEntry(ports, entry, { signal, passphrase });
  if (await isSameThere(ports, get, opened.seal, force)) return true;
  const { size } = opened;
  const part = await PartFile.open(folder, base, { size, ...(mark === undefined ? {} : { mark }) });
  try {
    const content = await openContent(cid, fetchBlocks(ports.fetcher, signal));
    if (content.type !== 'file') throw new ChordialError('bad-content', `${cid} is said to be a file and is a folder.`);
    const start = await heldBytes(ports, part, content, opened.seal);
    const { seal, sealedBytes } = opened;
    const read: ReadSealed = (from, end) => leavesInOrder(ports, content, { start: from, end }, signal);
    const ahead = new OpenedFile(seal, sealedBytes, read);
    let bytesDone = start;
    options.progress?.({ bytesDone, bytesTotal: size });
    for await (const bytes of writing(ahead, part, start, ports.data.leaves)) {
      if (signal?.aborted) throw new ChordialError('interrupted', 'The get was interrupted. Start it again to resume.');
      bytesDone += bytes;
      options.progress?.({ bytesDone, bytesTotal: size });
    }
    await part.finish(size, { force, attributes: fileAttributesOf(entry) });
    return false;
  } finally {
    await part.close();
  }
}

/** Bytes of a range of the ciphertext, fetched ahead a leaf at a time. */
async function* leavesInOrder(
  ports: FilePorts,
  content: FileContent,
  { start, end }: ContentRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const coming: { readonly leaf: LeafReference; readonly bytes: Promise<Uint8Array> }[] = [];
  const gone = new AbortController();
  const either = signal === undefined ? gone.signal : AbortSignal.any([signal, gone.signal]);
  async function* next(): AsyncGenerator<Uint8Array, void, undefined> {
    const { leaf, bytes: asked } = coming.shift()!;
    const bytes = await asked;
    yield bytes.subarray(Math.max(0, start - leaf.offset), end - leaf.offset);
    if (leaf.inline === null) ports.fetcher.release(bytes);
  }
  try {
    for await (const leaf of content.leaves(start, end)) {
      const bytes = leafBytesOf(ports, leaf, either);
      // Awaited, and reported, in its turn.
      bytes.catch(() => undefined);
      coming.push({ leaf, bytes });
      if (coming.length >= maxLeavesInFlight) yield* next();
    }
    while (coming.length > 0) yield* next();
  } finally {
    gone.abort();
  }
}

/** Writes the content from `start` on, a leaf at a time; yields what is in place. */
async function* writing(
  opened: OpenedFile,
  part: PartFile,
  start: number,
  pool: LeafPool,
): AsyncGenerator<number, void, undefined> {
  let at = start;
  let before: Promise<void> = Promise.resolve();
  for await (const leaf of cutIntoLeaves(opened.read(start), pool.size, pool)) {
    await before;
    before = part.write(leaf, at).finally(() => pool.giveBack(leaf));
    before.catch(() => undefined);
    at += leaf.length;
    yield leaf.length;
  }
  await before;
}

/** Leading bytes of the part file that are surely those of the content: whole leaves. */
async function heldBytes(ports: FilePorts, part: PartFile, content: FileContent, seal: Seal): Promise<number> {
  if (part.bytesBefore === 0) return 0;
  const pool = ports.data.leaves;
  const made = cutIntoLeaves(sealed(part.before(pool), seal), pool.size, pool);
  let held = 0;
  try {
    for await (const leaf of content.leaves()) {
      const next = await made.next();
      if (next.done === true || !cidOfBlock(rawCodec, next.value).equals(leaf.cid)) break;
      held += leaf.length;
      pool.giveBack(next.value);
    }
  } finally {
    await made.return();
  }
  const plain = plainBytesWithin(held, seal);
  return plain - (plain % leafBytes);
}

/** Throws `already-exists` for anything else that is there, unless it may be replaced. */
async function isSameThere(
  ports: FilePorts,
  { cid, folder, base, entry }: SealedGet,
  seal: Seal,
  force: boolean,
): Promise<boolean> {
  const there = await whatIsAt(folder, base);
  if (there === 'nothing') return false;
  const path = `${folder.path}/${base}`;
  if (there !== 'file')
    throw new ChordialError(
      'already-exists',
      `${path} is a ${there === 'folder' ? 'folder' : 'link or special file'}, and a file was to be written there. Name another place with -o.`,
    );
  if (await givesContent(ports, { folder, base, path, size: entry.size }, cid, seal)) return true;
  if (force) return false;
  throw alreadyExists(path);
}

async function givesContent(
  { data: { leaves: pool } }: FilePorts,
  { folder, base, path, size }: { folder: FolderHandle; base: string; path: string; size: number },
  cid: CID,
  seal: Seal,
): Promise<boolean> {
  try {
    const file = await folder.file(base);
    try {
      if ((await file.stat()).size !== size) return false;
      const made = cutIntoLeaves(sealed(leavesOf(file, path, pool), seal), pool.size, pool);
      const built = await buildOfLeaves(made, async ({ bytes }) => pool.giveBack(bytes), { wholeHash: false });
      return built.cid.equals(cid);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  }
}
