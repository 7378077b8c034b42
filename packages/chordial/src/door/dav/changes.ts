/** What the drive changes: own names, and what is in own folders. */
import { ChordialError } from '../../errors.ts';
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
}

export class Changes {
  readonly #peer: () => Peer;
  readonly #resources: Resources;

  constructor(peer: () => Peer, resources: Resources) {
    this.#peer = peer;
    this.#resources = resources;
  }

  /** @param path within what can be changed, without its root */
  async write(path: readonly string[], bytes: AsyncIterable<Uint8Array>, wish: WriteWish): Promise<Written> {
    const { files, trees } = this.#peer();
    const { size, modified, signal, check } = wish;
    const [name = '', ...below] = path;
    const sized = size === null ? {} : { size };
    if (below.length > 0) {
      const options = { ...sized, signal, ...(modified === null ? {} : { modified }) };
      const checked = {
        ...options,
        check: (before: { readonly cid: string | null } | null) => check(before?.cid ?? null),
      };
      const { entry, isNew } = await trees.write({ folder: name, path: below }, bytes, checked);
      return { cid: entry.cid, isNew };
    }
    const before = await this.#resources.find([ownRoot, name]);
    if (before?.isFolder) throw new ChordialError('already-exists', `${name} is a folder.`);
    check(before?.cid ?? null);
    const attributes = { modified: modified ?? Date.now(), executable: false };
    const { cid } = await files.put(name, bytes, { ...sized, signal, attributes });
    return { cid, isNew: before === null };
  }

  async makeFolder([folder = '', ...path]: readonly string[]): Promise<void> {
    await this.#peer().trees.makeFolder({ folder, path });
  }

  async remove([name = '', ...below]: readonly string[]): Promise<void> {
    const { files, trees } = this.#peer();
    if (below.length > 0) return trees.remove({ folder: name, path: below });
    const isThere = (await this.#resources.find([ownRoot, name])) !== null;
    try {
      await files.remove(name);
    } catch (error) {
      // A folder that was made a moment ago and is not published has gone with its tree.
      if (!isThere || !(error instanceof ChordialError) || error.code !== 'not-found') throw error;
    }
  }

  /** Replaces what is at `to`: within own folders in one step, otherwise it is removed first. */
  async copy(
    from: readonly string[],
    to: readonly string[],
    { isShallow, signal }: { readonly isShallow: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const source = await this.#resources.find(from);
    if (source === null) throw new ChordialError('not-found', `/${from.join('/')} is not there.`);
    const [root, ...own] = from;
    if (root === ownRoot && own.length > 1 && to.length > 1) {
      await this.#peer().trees.copy(treeAt(own), treeAt(to), { replaces: true, isShallow });
      return;
    }
    await this.#makeWay(source, to);
    if (!source.isFolder) return this.#copyFile(source, to, signal);
    await this.makeFolder(to);
    if (isShallow) return;
    for await (const { name } of this.#resources.list(from))
      await this.copy([...from, name], [...to, name], { isShallow, signal });
  }

  /** The same, both within what can be changed. */
  async move(from: readonly string[], to: readonly string[], signal: AbortSignal): Promise<void> {
    const { trees } = this.#peer();
    const source = await this.#resources.find([ownRoot, ...from]);
    if (source === null) throw new ChordialError('not-found', `/${ownRoot}/${from.join('/')} is not there.`);
    if (from.length > 1 && to.length > 1) {
      await trees.move(treeAt(from), treeAt(to), { replaces: true });
      return;
    }
    await this.#makeWay(source, to);
    if (!source.isFolder) await this.#copyFile(source, to, signal);
    else if (from.length === 1 && to.length === 1) return trees.rename(from[0] ?? '', to[0] ?? '');
    else {
      await this.makeFolder(to);
      for await (const { name } of this.#resources.list([ownRoot, ...from]))
        await this.move([...from, name], [...to, name], signal);
    }
    await this.remove(from);
  }

  /** A file in the place of a file replaces it when it is whole. */
  async #makeWay(source: Resource, to: readonly string[]): Promise<void> {
    const there = await this.#resources.find([ownRoot, ...to]);
    if (there !== null && (there.isFolder || source.isFolder)) await this.remove(to);
  }

  async #copyFile(source: Resource, to: readonly string[], signal: AbortSignal): Promise<void> {
    const bytes = this.#resources.read(source, undefined, signal);
    const { size, modified } = source;
    await this.write(to, bytes, { size, modified, signal, check: () => undefined });
  }
}

function treeAt([folder = '', ...path]: readonly string[]) {
  return { folder, path };
}
