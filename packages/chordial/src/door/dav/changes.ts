/** What the drive changes: own names, and what is in own folders. */
import { ChordialError } from '../../errors.ts';
import type { Removed } from '../../folders/folder-trees.ts';
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
}

export class Changes {
  readonly #peer: () => Peer;
  readonly #resources: Resources;
  /** Of names by themselves; within folders each change is one step anyway. */
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
    const check = async () => wish.check((await this.#resources.find([ownRoot, name]))?.cid ?? null);
    try {
      return await this.#write(path, whole(), wish);
    } finally {
      (endTurn as (() => void) | null)?.();
    }
  }

  async #write(path: readonly string[], bytes: AsyncIterable<Uint8Array>, wish: WriteWish): Promise<Written> {
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

  async makeFolder([folder = '', ...path]: readonly string[]): Promise<void> {
    await this.#peer().trees.makeFolder({ folder, path });
  }

  async remove(path: readonly string[]): Promise<void> {
    await this.#inTurn([path], () => this.#remove(path, () => undefined));
  }

  /** `check` is called with what is there and goes, and throws to keep it. */
  async #remove([name = '', ...below]: readonly string[], check: (there: Removed) => void): Promise<void> {
    const { files, trees } = this.#peer();
    if (below.length > 0) return trees.remove({ folder: name, path: below }, check);
    const there = await this.#resources.find([ownRoot, name]);
    if (trees.state(name) !== null) await trees.forget(name, check);
    else if (there !== null) check({ cid: there.cid, isEmpty: false });
    try {
      await files.remove(name);
    } catch (error) {
      // A folder that was made a moment ago and is not published has gone with its tree.
      if (there === null || !(error instanceof ChordialError) || error.code !== 'not-found') throw error;
    }
  }

  /** Replaces what is at `to`: within own folders in one step, otherwise it is removed first. */
  async copy(
    from: readonly string[],
    to: readonly string[],
    how: { readonly isShallow: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    await this.#inTurn([to], () => this.#copy(from, to, how));
  }

  async #copy(
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
      await this.#copy([...from, name], [...to, name], { isShallow, signal });
  }

  /** The same, both within what can be changed. Throws `changed` for what was written meanwhile, which stays where it is. */
  async move(from: readonly string[], to: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#inTurn([from, to], () => this.#move(from, to, signal));
  }

  async #move(from: readonly string[], to: readonly string[], signal: AbortSignal): Promise<void> {
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
        await this.#move([...from, name], [...to, name], signal);
    }
    await this.#remove(from, ({ cid, isEmpty }) => {
      if (source.isFolder ? isEmpty : cid === source.cid) return;
      throw new ChordialError('changed', `${from.join('/')} was changed meanwhile, and what is new stays there.`);
    });
  }

  /** A file in the place of a file replaces it when it is whole. */
  async #makeWay(source: Resource, to: readonly string[]): Promise<void> {
    const there = await this.#resources.find([ownRoot, ...to]);
    if (there !== null && (there.isFolder || source.isFolder)) await this.#remove(to, () => undefined);
  }

  async #copyFile(source: Resource, to: readonly string[], signal: AbortSignal): Promise<void> {
    const bytes = this.#resources.read(source, undefined, signal);
    const { size, modified } = source;
    await this.#write(to, bytes, { size, modified, signal, check: () => undefined });
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

async function* empty(): AsyncGenerator<Uint8Array> {}

function treeAt([folder = '', ...path]: readonly string[]) {
  return { folder, path };
}
