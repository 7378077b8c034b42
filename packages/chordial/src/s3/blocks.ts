/**
 * Large blocks as objects `PREFIX/PEER/blocks/<shelf>/<CIDv1>` of a store. A block is written when the store has compared its
 * SHA-256 with ours, or, where it compares nothing, when it was read back. What is read is hashed before anything uses it.
 * Nothing else under the prefix is touched.
 */
import { randomBytes } from 'node:crypto';
import { type BlockHashing, sha256Of, verifyBlockBy } from '../content/block-hashing.ts';
import { type LeafPool, leafBytes, unpooledBuffer } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { type BlockFile, blockFileName, eachShelf, type LargeBlocks, type Shelf } from '../storage/large-blocks.ts';
import type { S3Client } from './client.ts';
import { shownPlace } from './place.ts';

const shelvesReadAhead = 8;
/** What is not a name of ours is left alone. */
const namePattern = /^b[a-z2-7]{58,63}$/;
/** A store that copies its objects later may not find at once what it took. */
const absentPausesMilliseconds = [200, 800];
const maxUnsure = 10_000;
const maxEmptyPages = 1000;
/** Enough for some ten terabytes; a store that tells of more lists without end. */
const maxKeysOnShelf = 2 ** 18;
const maxRemovals = 16;

export interface S3BlocksOptions {
  readonly client: S3Client;
  /** Names the folder of this peer under the prefix. */
  readonly peer: string;
  readonly hashing: BlockHashing;
  readonly pause?: (milliseconds: number) => Promise<void>;
}

export class S3Blocks implements LargeBlocks {
  readonly #client: S3Client;
  readonly #hashing: BlockHashing;
  readonly #pause: (milliseconds: number) => Promise<void>;
  readonly #root: string;
  /** Whether the store compares the SHA-256 of what is put; null until tried. */
  #compares: boolean | null = null;
  /** Whether it heeds `If-None-Match`: then what a lost answer left is not sent again. */
  #isConditional = false;
  #checking: Promise<void> | null = null;
  /** Removals of which it is not known whether they happened, or are yet to happen: repeated before a block is put again. */
  readonly #unsure = new Map<string, BlockFile>();

  constructor({ client, peer, hashing, pause = wait }: S3BlocksOptions) {
    const { prefix } = client.place;
    this.#client = client;
    this.#hashing = hashing;
    this.#pause = pause;
    this.#root = prefix === '' ? peer : `${prefix}/${peer}`;
  }

  get isSettled(): boolean {
    return this.#unsure.size === 0;
  }

  /** Null until it was tried. */
  get compares(): boolean | null {
    return this.#compares;
  }

  async prepare(): Promise<void> {}

  /**
   * Whether objects can be listed, put, read and removed, and whether the store compares hashes. Throws `store-refused`
   * with what is not allowed, or `store-away`; done once.
   */
  check(): Promise<void> {
    this.#checking ??= this.#check().catch((error: unknown) => {
      this.#checking = null;
      throw error;
    });
    return this.#checking;
  }

  async write(file: BlockFile, bytes: Uint8Array): Promise<void> {
    await this.check();
    const name = blockFileName(file.cid);
    // A removal that the store has yet to do must not meet what is put now.
    if (this.#unsure.has(name)) await this.#removeForSure(file);
    const key = this.#keyOf(file);
    const { digest } = file.cid.multihash;
    const isNew = await this.#client.put(key, bytes, digest, this.#isConditional);
    if (!isNew && (await this.isWhole(file, bytes.length))) return;
    if (!isNew) await this.#client.put(key, bytes, digest, false);
    if (this.#compares !== true && !(await this.#isReadBack(file, bytes.length))) {
      const message = `The object store ${shownPlace(this.#client.place)} took block ${file.cid} and gives other bytes. Do not use it.`;
      throw new ChordialError('store-refused', message);
    }
  }

  async makeDurable(): Promise<void> {}

  async read(file: BlockFile, size: number, pool?: LeafPool): Promise<Uint8Array | null> {
    // Twice: what was wrong once may have been damaged on its way.
    const bytes = (await this.#readOnce(file, size, pool)) ?? (await this.#readOnce(file, size, pool));
    if (bytes === 'absent') return null;
    if (bytes !== null) return bytes;
    throw new ChordialError(
      'bad-content',
      `The object store ${shownPlace(this.#client.place)} gives other bytes than block ${file.cid} has.`,
    );
  }

  async remove(file: BlockFile): Promise<void> {
    const name = blockFileName(file.cid);
    if (this.#unsure.size >= maxUnsure) return this.#removeForSure(file);
    try {
      await this.#removeForSure(file);
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      this.#unsure.set(name, file);
    }
  }

  async removeStray(shelf: string, name: string, isWhole: boolean): Promise<boolean> {
    // It may have been acknowledged, and fits once the quota is larger.
    if (isWhole || !namePattern.test(name)) return false;
    await this.#client.delete(`${this.#root}/blocks/${shelf}/${name}`);
    return true;
  }

  /** All that is listed; nothing may be written meanwhile. */
  async removeAll(): Promise<void> {
    for await (const { shelf, names } of this.list()) {
      await forEachConcurrently(names, maxRemovals, (name) =>
        this.#client.delete(`${this.#root}/blocks/${shelf}/${name}`),
      );
    }
  }

  /** Repeats the removals that the store may not have done. */
  async removeUnsure(): Promise<void> {
    for (const file of [...this.#unsure.values()]) {
      // A put of it may have done so.
      if (this.#unsure.has(blockFileName(file.cid))) await this.#removeForSure(file);
    }
  }

  async sizeOf(file: BlockFile): Promise<number | null> {
    return this.#client.size(this.#keyOf(file));
  }

  async isWhole(file: BlockFile, size: number): Promise<boolean> {
    await this.check();
    const told = this.#compares === true ? await this.#client.sha256Of(this.#keyOf(file)) : null;
    if (told === null) return this.#isReadBack(file, size);
    return told === Buffer.from(file.cid.multihash.digest).toString('base64');
  }

  /** Few blocks are one request, many at least one for each shelf. */
  async *list(): AsyncGenerator<Shelf, void, undefined> {
    const prefix = `${this.#root}/blocks/`;
    const page = await this.#client.list(prefix, null);
    const found = page.keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    const namesOn = async (shelf: string): Promise<string[]> =>
      found.filter((name) => name.startsWith(`${shelf}/`)).map((name) => name.slice(shelf.length + 1));
    const ofShelf = async (shelf: string) => (page.token === null ? namesOn(shelf) : this.#listShelf(shelf));
    for await (const { shelf, names } of eachShelf(ofShelf, shelvesReadAhead))
      yield { shelf, names: new Set([...names].filter((name) => namePattern.test(name))) };
  }

  async #listShelf(shelf: string): Promise<string[]> {
    const prefix = `${this.#root}/blocks/${shelf}/`;
    const names: string[] = [];
    let [empty, count] = [0, 0];
    for (let token: string | null = null; ; ) {
      const page = await this.#client.list(prefix, token);
      count += page.keys.length;
      for (const key of page.keys) {
        const name = key.startsWith(prefix) ? key.slice(prefix.length) : '';
        if (namePattern.test(name)) names.push(name);
      }
      if (page.token === null) return names;
      empty = page.keys.length === 0 ? empty + 1 : 0;
      if (page.token === token || empty > maxEmptyPages || count > maxKeysOnShelf) {
        const message = `The object store ${shownPlace(this.#client.place)} lists without end.`;
        throw new ChordialError('store-away', message);
      }
      token = page.token;
    }
  }

  async #check(): Promise<void> {
    await this.#client.look();
    const key = `${this.#root}/check`;
    const bytes = randomBytes(64);
    const right = sha256Of(bytes);
    // What keeps it from taking anything shows next.
    const compares = await this.#client.compares(key, bytes, sha256Of(right));
    await this.#client.put(key, bytes, right, false);
    const isConditional = await this.#client.isConditional(key, bytes, right);
    const back = await this.#client.get(key, () => unpooledBuffer(bytes.length));
    await this.#client.delete(key);
    if (back === null || Buffer.compare(back, bytes) !== 0) {
      const message = `The object store ${shownPlace(this.#client.place)} does not give what was put a moment ago. Use one that does.`;
      throw new ChordialError('store-refused', message);
    }
    this.#compares = compares;
    this.#isConditional = isConditional;
  }

  async #isReadBack(file: BlockFile, size: number): Promise<boolean> {
    const bytes = await this.#readOnce(file, size);
    return bytes !== null && bytes !== 'absent';
  }

  /** Null when they are wrong. */
  async #readOnce(file: BlockFile, size: number, pool?: LeafPool): Promise<Uint8Array | null | 'absent'> {
    let taken: Uint8Array | null = null;
    const take = (): Uint8Array => {
      taken ??= pool !== undefined && size === leafBytes ? pool.take() : unpooledBuffer(size);
      return taken;
    };
    const giveBack = (): void => {
      if (taken !== null) pool?.giveBack(taken);
    };
    try {
      const bytes = await this.#getPatiently(this.#keyOf(file), take);
      if (bytes === null) return 'absent';
      if (await verifyBlockBy(this.#hashing, file.cid, bytes)) return bytes;
    } catch (error) {
      giveBack();
      throw error;
    }
    giveBack();
    return null;
  }

  async #getPatiently(key: string, take: () => Uint8Array): Promise<Uint8Array | null> {
    for (const pause of absentPausesMilliseconds) {
      const bytes = await this.#client.get(key, take);
      if (bytes !== null) return bytes;
      await this.#pause(pause);
    }
    return this.#client.get(key, take);
  }

  async #removeForSure(file: BlockFile): Promise<void> {
    await this.#client.delete(this.#keyOf(file));
    this.#unsure.delete(blockFileName(file.cid));
  }

  #keyOf({ key, cid }: BlockFile): string {
    return `${this.#root}/blocks/${key.slice(0, 2)}/${blockFileName(cid)}`;
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
