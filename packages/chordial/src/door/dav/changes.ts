/** What the drive changes: own names, and what is in own folders. */
import { ChordialError } from '../../errors.ts';
import { ConditionalChanges } from '../../http/conditions.ts';
import type { Peer } from '../../peer/peer.ts';
import { ownRoot, type Resource, type Resources } from './resources.ts';

export interface Written {
  readonly cid: string | null;
  readonly isNew: boolean;
}

export interface WriteWish {
  readonly size: number | null;
  readonly modified: number | null;
  readonly signal: AbortSignal;
  /** Called with what is there right before it is replaced; throws to refuse. */
  readonly check: (cid: string | null) => void;
  /** Also a folder with all that is in it. */
  readonly replacesFolder?: boolean;
}

export interface CopyWish {
  /** Otherwise nothing may be there. */
  readonly replaces: boolean;
  readonly signal: AbortSignal;
}

export class Changes {
  readonly #peer: () => Peer;
  readonly #resources: Resources;
  /** Of names that are written by themselves; other changes are one step. */
  readonly #ofNames = new ConditionalChanges();

  constructor(peer: () => Peer, resources: Resources) {
    this.#peer = peer;
    this.#resources = resources;
  }

  /** @param path within what can be changed, without its root */
  async write(path: readonly string[], bytes: AsyncIterable<Uint8Array>, wish: WriteWish): Promise<Written> {
    const [name = ''] = path;
    if (path.length > 1) return this.#write(path, bytes, wish);
    let endTurn: (() => void) | null = null;
    const turn = () => this.#ofNames.turn(name);
    // From the last byte on, since what is there may have changed while they came.
    async function* whole(): AsyncGenerator<Uint8Array> {
      yield* bytes;
      endTurn = await turn();
      await check();
    }
    const check = async () => wish.check(checkNoFolder(await this.#resources.find([ownRoot, name]), wish));
    try {
      return await this.#write(path, whole(), wish);
    } finally {
      (endTurn as (() => void) | null)?.();
    }
  }

  async #write(path: readonly string[], bytes: AsyncIterable<Uint8Array>, wish: WriteWish): Promise<Written> {
    const { files, trees } = this.#peer();
    const { size, modified, signal, check, replacesFolder = false } = wish;
    const [name = '', ...below] = path;
    const sized = size === null ? {} : { size };
    if (below.length > 0) {
      const options = { ...sized, signal, ...(modified === null ? {} : { modified }) };
      const checked = {
        ...options,
        replacesFolder,
        check: (before: { readonly cid: string | null } | null) => check(before?.cid ?? null),
      };
      const { entry, isNew } = await trees.write({ folder: name, path: below }, bytes, checked);
      return { cid: entry.cid, isNew };
    }
    const before = await this.#resources.find([ownRoot, name]);
    check(checkNoFolder(before, wish));
    const attributes = { modified: modified ?? Date.now(), executable: false };
    const { cid } = await files.put(name, bytes, { ...sized, signal, attributes });
    return { cid, isNew: before === null };
  }

  /** An empty one; false when something came there first, which stays. */
  async makeFile(path: readonly string[], signal: AbortSignal): Promise<boolean> {
    const check = (cid: string | null): void => {
      if (cid !== null) throw new ChordialError('already-exists', `${path.join('/')} is there already.`);
    };
    try {
      await this.write(path, empty(), { size: 0, modified: null, signal, check });
      return true;
    } catch (error) {
      if (error instanceof ChordialError && error.code === 'already-exists') return false;
      throw error;
    }
  }

  async makeFolder(path: readonly string[]): Promise<void> {
    await this.#inTurn([path], () => this.#peer().trees.makeFolder(treeAt(path)));
  }

  /** `check` is called with what is there and goes, and throws to keep it. */
  async remove(path: readonly string[], check: WriteWish['check']): Promise<void> {
    await this.#inTurn([path], () => this.#remove(path, check));
  }

  async #remove(path: readonly string[], check: WriteWish['check']): Promise<void> {
    const { files, trees } = this.#peer();
    const [name = ''] = path;
    const checkThere = ({ cid }: { readonly cid: string | null }): void => check(cid);
    if (path.length > 1) return trees.remove(treeAt(path), checkThere);
    if (await trees.end(name, checkThere)) return;
    const there = await this.#resources.find([ownRoot, name]);
    check(there?.cid ?? null);
    await files.remove(name, there?.cid ?? undefined);
  }

  /**
   * What is at `to` is replaced when the copy is whole, if it may be; on failure it stays. Throws `already-exists` when it
   * may not.
   */
  async copy(
    from: readonly string[],
    to: readonly string[],
    how: CopyWish & { readonly isShallow: boolean },
  ): Promise<void> {
    await this.#inTurn([to], () => this.#copy(from, to, how));
  }

  async #copy(
    from: readonly string[],
    to: readonly string[],
    { isShallow, replaces, signal }: CopyWish & { readonly isShallow: boolean },
  ): Promise<void> {
    const source = await this.#resources.find(from);
    if (source === null) throw new ChordialError('not-found', `/${from.join('/')} is not there.`);
    const { trees } = this.#peer();
    const [root, ...own] = from;
    const isInTree = root === ownRoot && source.entry === null;
    const { cid, entry } = source;
    if (isInTree && (source.isFolder || to.length > 1))
      await trees.copy(treeAt(own), treeAt(to), { replaces, isShallow });
    else if (!source.isFolder) await this.#copyFile(source, to, { replaces, signal });
    else if (cid === null)
      throw new ChordialError('not-publisher', `/${from.join('/')} is a list, and no folder. Copy what is in it.`);
    else if (isShallow) await trees.makeFolder(treeAt(to), { replaces });
    else {
      const attributes = typeof entry?.attributes === 'string' ? entry.attributes : null;
      await trees.copyPublished({ cid, attributes }, treeAt(to), { replaces, signal });
    }
  }

  /** The same, both within what can be changed. Throws `changed` for what was written meanwhile, which stays where it is. */
  async move(from: readonly string[], to: readonly string[], how: CopyWish): Promise<void> {
    await this.#inTurn([from, to], () => this.#move(from, to, how));
  }

  async #move(from: readonly string[], to: readonly string[], how: CopyWish): Promise<void> {
    const { files, trees } = this.#peer();
    const source = await this.#resources.find([ownRoot, ...from]);
    if (source === null) throw new ChordialError('not-found', `/${ownRoot}/${from.join('/')} is not there.`);
    if (source.isFolder || (from.length > 1 && to.length > 1)) {
      await trees.move(treeAt(from), treeAt(to), { replaces: how.replaces });
      return;
    }
    // A file by itself is a put of another kind than one in a folder: it is put again, and then removed where it was.
    await this.#copyFile(source, to, how);
    const [name = ''] = from;
    if (from.length === 1) await files.remove(name, source.cid ?? '');
    else
      await trees.remove(treeAt(from), ({ cid }) => {
        if (cid === source.cid) return;
        throw new ChordialError('changed', `${from.join('/')} was changed meanwhile, and what is new stays there.`);
      });
  }

  async #copyFile(source: Resource, to: readonly string[], { replaces, signal }: CopyWish): Promise<void> {
    const bytes = this.#resources.read(source, undefined, signal);
    const { size, modified } = source;
    const check = (cid: string | null): void => {
      if (cid !== null && !replaces) throw new ChordialError('already-exists', `${to.join('/')} is there already.`);
    };
    await this.#write(to, bytes, { size, modified, signal, check, replacesFolder: replaces });
  }

  /** Changes of one name by itself are made one after another. */
  async #inTurn(paths: readonly (readonly string[])[], change: () => Promise<void>): Promise<void> {
    const names = new Set(paths.flatMap((path) => (path.length === 1 ? path : [])));
    const ends: (() => void)[] = [];
    try {
      // In one order for all, so that no two wait for each other.
      for (const name of [...names].sort()) ends.push(await this.#ofNames.turn(name));
      await change();
    } finally {
      for (const end of ends) end();
    }
  }
}

/** The CID of what is there, which a file may replace. Throws `already-exists`. */
function checkNoFolder(there: Resource | null, { replacesFolder = false }: WriteWish): string | null {
  if (there?.isFolder && !replacesFolder) throw new ChordialError('already-exists', `${there.name} is a folder.`);
  return there?.cid ?? null;
}

async function* empty(): AsyncGenerator<Uint8Array> {}

function treeAt([folder = '', ...path]: readonly string[]) {
  return { folder, path };
}
