/** Putting a file or folder of this machine. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildFile } from '../content/builder.ts';
import { buildDirectory } from '../content/directory.ts';
import { checkName } from '../content/name.ts';
import type { DirectoryEntry } from '../content/unixfs.ts';
import { ChordialError } from '../errors.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions, PutResult } from './files.ts';
import { fileError, openToRead, piecesOf } from './local-file.ts';
import { publishing, putFile, ruleOf } from './put-file.ts';

/** Deeper folders are refused: nobody has them, and every level costs memory. */
export const maximumFolderDepth = 64;

/** A folder becomes one directory under one name; hidden entries and links in it are left out. */
export async function putPath(ports: FilePorts, name: string, path: string, options: PutOptions): Promise<PutResult> {
  const checked = checkName(name);
  ruleOf(ports, options);
  const file = await openToRead(path, true);
  const status = await file.stat();
  if (status.isFile()) return putFile(ports, checked, piecesOf(file, path), options, status.size);
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

class FolderBuilder {
  readonly #write: Parameters<typeof buildFile>[1];
  readonly #ports: FilePorts;
  readonly #options: PutOptions;
  size = 0;
  blocks = 0;

  constructor(write: Parameters<typeof buildFile>[1], ports: FilePorts, options: PutOptions) {
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
    for (const name of await this.#names(path)) {
      const child = await this.#child(join(path, name), depth);
      if (child !== null) entries.push({ name, ...child });
    }
    const { cid, size, blocks } = await buildDirectory(entries, this.#write);
    this.blocks += blocks;
    return { cid, size };
  }

  async #child(path: string, depth: number): Promise<Omit<DirectoryEntry, 'name'> | null> {
    const file = await openToRead(path, false);
    const status = await file.stat();
    if (status.isFile()) return this.#file(piecesOf(file, path));
    await file.close();
    return status.isDirectory() ? this.build(path, depth + 1) : null;
  }

  async #file(pieces: AsyncIterable<Uint8Array>): Promise<Omit<DirectoryEntry, 'name'>> {
    const built = await buildFile(this.#counted(pieces), this.#write, {
      wholeHash: false,
      pool: this.#ports.data.leaves,
    });
    this.blocks += built.blocks;
    return { cid: built.cid, size: built.storedBytes };
  }

  async *#counted(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of pieces) {
      if (this.#options.signal?.aborted)
        throw new ChordialError('interrupted', 'The put was broken off. Start it again to go on where it stopped.');
      yield piece;
      this.size += piece.length;
      this.#options.progress?.({ bytesDone: this.size, bytesTotal: null });
    }
  }

  /** Visible entries but links and special files, sorted, so that the same folder is read in the same order. */
  async #names(path: string): Promise<readonly string[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      const wanted = entries.filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()));
      return wanted.map(({ name }) => name).sort();
    } catch (cause) {
      throw fileError('unreadable-file', path, cause);
    }
  }
}
