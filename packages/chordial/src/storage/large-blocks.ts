/**
 * Where blocks lie that are too large for the catalogue: files of the data folder (block-files.ts), or objects in a store
 * beside this peer (s3/blocks.ts). Each is named by its CID on the shelf of its key, so that a lost catalogue can be
 * rebuilt. What is there without a row in the catalogue may be partial or foreign, until it is checked (reconcile.ts).
 */
import type { CID } from 'multiformats/cid';
import type { LeafPool } from '../content/leaf-pool.ts';

export interface BlockFile {
  readonly key: string;
  readonly cid: CID;
}

/** The first two digits of keys. */
export const shelves: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

export interface Shelf {
  readonly shelf: string;
  /** Of what lies there. */
  readonly names: ReadonlySet<string>;
}

export interface LargeBlocks {
  /** Called once, before anything else. */
  prepare(): Promise<void>;
  /** Resolves when the block is whole and durable. Leaves nothing behind that counts when it throws, 'disk-full' included. */
  write(file: BlockFile, bytes: Uint8Array): Promise<void>;
  /** The same of one that is there whole. */
  makeDurable(file: BlockFile): Promise<void>;
  /** The bytes, or null when they are lost: missing, or fewer than `size`. Throws where that is not known. */
  read(file: BlockFile, size: number, pool?: LeafPool): Promise<Uint8Array | null>;
  remove(file: BlockFile): Promise<void>;
  /**
   * Removes what lies there without a row; resolves with whether it did.
   * @param isWhole it is a block that did not fit
   */
  removeStray(shelf: string, name: string, isWhole: boolean): Promise<boolean>;
  /** Without reading it; null when it is missing or no file. */
  sizeOf(file: BlockFile): Promise<number | null>;
  /** Whether what is there, of that size, is the block. */
  isWhole(file: BlockFile, size: number): Promise<boolean>;
  /** All names, shelf by shelf. What was written or removed a moment ago may be listed or not. */
  list(): AsyncIterable<Shelf>;
  /** False where something may be left that no row names: then the next opening reconciles. */
  readonly isSettled: boolean;
}

/** The name is the CID, so that a lost catalogue can be rebuilt from the files. */
export function blockFileName(cid: CID): string {
  return cid.toV1().toString();
}

/** All shelves in order, so many of them read ahead. */
export async function* eachShelf(
  namesOn: (shelf: string) => Promise<Iterable<string>>,
  readAhead: number,
): AsyncGenerator<Shelf, void, undefined> {
  const begin = (shelf: string) => {
    const names = namesOn(shelf);
    // Reported where it is awaited, if the walk gets that far.
    names.catch(() => undefined);
    return { shelf, names };
  };
  const ahead = shelves.slice(0, readAhead).map(begin);
  for (let next = ahead.length; ahead.length > 0; next++) {
    const { shelf, names } = ahead.shift()!;
    const later = shelves[next];
    if (later !== undefined) ahead.push(begin(later));
    yield { shelf, names: new Set(await names) };
  }
}
