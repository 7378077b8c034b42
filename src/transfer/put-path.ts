/** Putting a file or folder of this machine. */
import { type FileHandle, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuiltFile, buildLeaf, buildOfLeaves, type Emit } from '../content/builder.ts';
import { buildDirectory } from '../content/directory.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { checkName } from '../content/name.ts';
import type { DirectoryEntry } from '../content/unixfs.ts';
import { maximumFolderDepth } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import { forEachAtOnce } from '../replication/block-stream.ts';
import { ByteBudget } from '../replication/byte-budget.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions, PutResult } from './files.ts';
import { fileError, leavesOf, openToRead, wholeOf } from './local-file.ts';
import { checkFits, checkGoesOn, counted, publishing, ruleOf } from './put-file.ts';

/** Files of a folder read side by side: many small ones, a few large ones. */
const maximumBytesAtOnce = 8 * 1024 * 1024;
/** Held for a large file: two pieces and two leaves. */
const largeFileBytes = 4 * 1024 * 1024;

/** A folder becomes one directory under one name; hidden entries and links in it are left out. */
export async function putPath(ports: FilePorts, name: string, path: string, options: PutOptions): Promise<PutResult> {
  const checked = checkName(name);
  ruleOf(ports, options);
  const file = await openToRead(path, true);
  const status = await file.stat();
  if (status.isFile()) {
    try {
      await checkFits(ports, checked, status.size, options);
    } catch (error) {
      await file.close();
      throw error;
    }
    return publishing(ports, checked, options, async (write) => {
      const read = { ...options, bytesTotal: status.size };
      const { cid, size, blocks, sha256 } = await buildOpened(ports, { file, path, size: status.size }, write, read);
      return { name: checked, cid, size, type: 'file', sha256, blocks };
    });
  }
  await file.close();
  if (!status.isDirectory()) {
    throw new ChordialError(
      'unreadable-file',
      `${path} is neither a file nor a folder. Name one, or put a stream with "-".`,
    );
  }
  return publishing(ports, checked, options, async (write) => {
    const folder = new FolderBuilder(write, ports, options);
    const { cid } = await folder.build(path, 0);
    return { name: checked, cid, size: folder.size, type: 'directory', sha256: null, blocks: folder.blocks };
  });
}

interface OpenedFile {
  readonly file: FileHandle;
  readonly path: string;
  readonly size: number;
}

/** Closes the file. */
async function buildOpened(
  ports: FilePorts,
  { file, path, size }: OpenedFile,
  write: Emit,
  options: PutOptions & { readonly bytesTotal: number | null; readonly wholeHash?: boolean },
): Promise<BuiltFile> {
  let isTaken = false;
  try {
    const whole = await wholeOf(file, path, size);
    checkGoesOn(options);
    if (whole !== null) {
      const built = await buildLeaf(whole, write);
      options.progress?.({ bytesDone: built.size, bytesTotal: options.bytesTotal });
      return built;
    }
    isTaken = true;
    const wholeHash = options.wholeHash === undefined ? {} : { wholeHash: options.wholeHash };
    const { leaves: pool, hashing } = ports.data;
    const leaves = counted(leavesOf(file, path, pool), options, options.bytesTotal);
    return await buildOfLeaves(leaves, write, { ...ports.cut, hashing, expectedBytes: size, ...wholeHash });
  } finally {
    if (!isTaken) await file.close();
  }
}

class FolderBuilder {
  readonly #write: Emit;
  readonly #ports: FilePorts;
  readonly #options: PutOptions;
  readonly #reading = new ByteBudget(maximumBytesAtOnce);
  size = 0;
  blocks = 0;

  constructor(write: Emit, ports: FilePorts, options: PutOptions) {
    this.#write = write;
    this.#ports = ports;
    this.#options = options;
  }

  async build(path: string, depth: number): Promise<Omit<DirectoryEntry, 'name'>> {
    if (depth > maximumFolderDepth) {
      throw new ChordialError(
        'unreadable-file',
        `${path} lies more than ${maximumFolderDepth} folders deep. Put a part of it.`,
      );
    }
    const entries: DirectoryEntry[] = [];
    await forEachAtOnce(this.#filesIn(path, depth, entries), async (name) => {
      const child = await this.#file(join(path, name));
      if (child !== null) entries.push({ name, ...child });
    });
    const { cid, size, blocks } = await buildDirectory(inOrder(entries), this.#write);
    this.blocks += blocks;
    return { cid, size };
  }

  /** Files are left to the caller, several at once; folders are built on the way, one after the other. */
  async *#filesIn(path: string, depth: number, entries: DirectoryEntry[]): AsyncGenerator<string, void, undefined> {
    for (const { name, isFolder } of await this.#visible(path)) {
      if (!isFolder) yield name;
      else entries.push({ name, ...(await this.build(join(path, name), depth + 1)) });
    }
  }

  /** null for what is no file any more. */
  async #file(path: string): Promise<Omit<DirectoryEntry, 'name'> | null> {
    const file = await openToRead(path, false);
    const status = await file.stat();
    if (!status.isFile()) {
      await file.close();
      return null;
    }
    const held = status.size > leafBytes ? largeFileBytes : status.size;
    await this.#reading.take(held);
    try {
      const options = { ...this.#options, progress: this.#progress(), bytesTotal: null, wholeHash: false };
      const opened = { file, path, size: status.size };
      const { cid, storedBytes, blocks } = await buildOpened(this.#ports, opened, this.#write, options);
      this.blocks += blocks;
      return { cid, size: storedBytes };
    } finally {
      this.#reading.give(held);
    }
  }

  /** Of one file, added to that of the folder. */
  #progress(): NonNullable<PutOptions['progress']> {
    let before = 0;
    return ({ bytesDone }) => {
      this.size += bytesDone - before;
      before = bytesDone;
      this.#options.progress?.({ bytesDone: this.size, bytesTotal: null });
    };
  }

  /** But links and special files; sorted, so that the same folder is read in the same order. */
  async #visible(path: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      const wanted = entries.filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()));
      return wanted
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (cause) {
      throw fileError('unreadable-file', path, cause);
    }
  }
}

/** They ended in any order; the CID of the folder depends on it. */
function inOrder(entries: readonly DirectoryEntry[]): readonly DirectoryEntry[] {
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
}
