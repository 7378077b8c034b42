/** Puts a folder: one directory under one name, from a stream of its items. */
import type { CID } from 'multiformats/cid';
import { buildFile, buildLeaf, type Emit } from '../content/builder.ts';
import { buildDirectory } from '../content/directory.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { checkPutName } from '../content/name.ts';
import type { DirectoryEntry } from '../content/unixfs.ts';
import { maxWalkedEntries } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions, PutResult } from './files.ts';
import { AttributeList } from './folder-attributes.ts';
import { type FolderItem, isLeftOut } from './local-folder.ts';
import { checkGoesOn, publishing } from './publish.ts';
import { endOthers, sealedFolderRefused, sealWishOf } from './put-sealed.ts';

/** @param items depth first, each folder before its contents. Throws `bad-request` for another order */
export async function putFolder(
  ports: FilePorts,
  name: string,
  items: AsyncIterable<FolderItem>,
  options: PutOptions,
): Promise<PutResult> {
  const checked = checkPutName(name);
  if (sealWishOf(ports, options) !== null) throw sealedFolderRefused();
  const result = await publishing(ports, checked, options, async (write) => {
    const folder = new FolderBuilder(write, ports, options);
    for await (const item of items) {
      checkGoesOn(options);
      await folder.add(item);
    }
    const cid = await folder.finish();
    const { size, blocks, attributes } = folder;
    return { name: checked, cid, size, type: 'directory', sha256: null, blocks, attributes };
  });
  await endOthers(ports, checked, checked);
  return result;
}

interface OpenFolder {
  /** '' or ending in "/". */
  readonly path: string;
  readonly entries: DirectoryEntry[];
}

class FolderBuilder {
  readonly #write: Emit;
  readonly #ports: FilePorts;
  readonly #options: PutOptions;
  /** From the root to the folder being filled. */
  readonly #open: OpenFolder[] = [{ path: '', entries: [] }];
  readonly #attributes = new AttributeList();
  #entries = 0;
  /** Total bytes of all files. */
  size = 0;
  blocks = 0;
  attributes: CID | null = null;

  constructor(write: Emit, ports: FilePorts, options: PutOptions) {
    this.#write = write;
    this.#ports = ports;
    this.#options = options;
  }

  async add(item: FolderItem): Promise<void> {
    const cut = item.path.lastIndexOf('/') + 1;
    const [above, name] = [item.path.slice(0, cut), item.path.slice(cut)];
    while (this.#top.path !== above) await this.#close(item.path);
    this.#entries += 1;
    if (this.#entries > maxWalkedEntries)
      throw new ChordialError(
        'too-many-entries',
        `The folder holds more than ${maxWalkedEntries} files and folders, more than can be listed. Put parts of it.`,
      );
    if (item.type === 'directory') this.#open.push({ path: `${item.path}/`, entries: [] });
    else {
      const entry = await this.#file(item);
      if (entry === null) return;
      this.#top.entries.push({ name, ...entry });
      this.#attributes.add(item);
    }
  }

  async finish(): Promise<CID> {
    while (this.#open.length > 1) await this.#close('');
    const { cid, blocks } = await buildDirectory(inOrder(this.#top.entries), this.#write);
    const list = this.#attributes.bytes();
    const kept = list === null ? null : await buildFile(list, this.#write, { ...this.#ports.cut, wholeHash: false });
    this.attributes = kept?.cid ?? null;
    this.blocks += blocks + (kept?.blocks ?? 0);
    return cid;
  }

  get #top(): OpenFolder {
    return this.#open.at(-1)!;
  }

  async #close(next: string): Promise<void> {
    const { path, entries } = this.#top;
    if (path === '')
      throw new ChordialError(
        'bad-request',
        `${next} comes before its folder, or after it was ended. Send depth first.`,
      );
    this.#open.pop();
    const { cid, size, blocks } = await buildDirectory(inOrder(entries), this.#write);
    this.blocks += blocks;
    const [name = ''] = path.slice(this.#top.path.length).split('/');
    this.#top.entries.push({ name, cid, size });
  }

  /** Null for a file that turned out not to be put. */
  async #file({ bytes }: FolderItem): Promise<Omit<DirectoryEntry, 'name'> | null> {
    const { leaves: pool, hashing } = this.#ports.data;
    const { cut } = this.#ports;
    let told = 0;
    const counted = async function* (this: FolderBuilder) {
      for await (const piece of bytes) {
        checkGoesOn(this.#options);
        yield piece;
        told += piece.length;
        this.#options.progress?.({ bytesDone: this.size + told, bytesTotal: null });
      }
    }.bind(this);
    try {
      const { whole, rest } = await gathered(counted(), Math.min(leafBytes, cut.leafBytes ?? leafBytes));
      const built =
        rest === null
          ? await buildLeaf(whole, this.#write)
          : await buildFile(rest, this.#write, { ...cut, pool, hashing, wholeHash: false });
      this.size += built.size;
      this.blocks += built.blocks;
      return { cid: built.cid, size: built.storedBytes };
    } catch (error) {
      if (isLeftOut(error)) return null;
      throw error;
    }
  }
}

/** The whole of a file of one leaf, in no more memory than its size; a stream for a larger one. */
async function gathered(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  most: number,
): Promise<{ readonly whole: Uint8Array; readonly rest: AsyncIterable<Uint8Array> | null }> {
  const first: Uint8Array[] = [];
  let length = 0;
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
    first.push(next.value);
    length += next.value.length;
    if (length > most) {
      const rest = (async function* () {
        yield* first;
        yield* pieces;
      })();
      return { whole: new Uint8Array(), rest };
    }
  }
  // A separate buffer, since the block keeps it.
  return { whole: Uint8Array.from(Buffer.concat(first)), rest: null };
}

/** The CID of the folder depends on it. */
function inOrder(entries: readonly DirectoryEntry[]): readonly DirectoryEntry[] {
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
