/**
 * What the drive shows, by path: own names, which can be changed, and beside them what can only be read: everybody's
 * names, what each peer has, own shares, and a search, whose listing is the search.
 */
import { ChordialError } from '../../errors.ts';
import type { TreeEntry, Trees } from '../../folders/folder-trees.ts';
import { BoundedCache } from '../../network/bounded-cache.ts';
import type { Peer } from '../../peer/peer.ts';
import type { FileEntry, Files } from '../../transfer/files.ts';
import { fileAttributesOf } from '../../transfer/files.ts';

export interface Resource {
  readonly name: string;
  readonly isFolder: boolean;
  /** Bytes of a file. */
  readonly size: number;
  /** Milliseconds since 1970; null when unknown. */
  readonly modified: number | null;
  readonly cid: string | null;
  /** What clients keep with it. */
  readonly properties: Readonly<Record<string, string>>;
  /** Of a name, which may be sealed; what is inside a folder is read by its CID. */
  readonly entry: FileEntry | null;
}

export const ownRoot = 'mine';
const roots = [ownRoot, 'network', 'peers', 'shares', 'search'] as const;
/** Of one folder that is read from others. */
const maxListed = 10_000;
/** Asked of one peer or of the network for it: each may hold nothing that is new. */
const maxPages = 200;
/** Until they have come; what was told by then is listed. */
const listingMilliseconds = 30_000;
const namesPerPage = 1000;
const searchMilliseconds = 3000;
/** The entries of a listing are asked for one by one right after it. */
const keptMilliseconds = 5000;
const maxKept = 64;

type Named = ReadonlyMap<string, Resource>;

export class Resources {
  readonly #peer: () => Peer;
  readonly #kept = new BoundedCache<string, { readonly at: number; readonly named: Promise<Named> }>(maxKept);

  constructor(peer: () => Peer) {
    this.#peer = peer;
  }

  /** Null when there is nothing. Rejects with `bad-name` for what no name can be. */
  async find(path: readonly string[]): Promise<Resource | null> {
    const [root, name, ...below] = path;
    if (root === undefined) return folder('');
    if (!(roots as readonly string[]).includes(root)) return null;
    if (name === undefined) return folder(root);
    if (root === ownRoot) return this.#own(name, below);
    return this.#foreign(root, name, below);
  }

  /** Children of a folder. */
  async *list(path: readonly string[]): AsyncGenerator<Resource, void, undefined> {
    const [root, name, ...below] = path;
    if (root === undefined) yield* roots.map(folder);
    else if (root === ownRoot) yield* name === undefined ? this.#ownNames() : this.#ownFolder(name, below);
    else if (root === 'peers' && name === undefined) yield* [...this.#peerNames().keys()].map(folder);
    else if (root === 'search' && name === undefined) return;
    else {
      const flat = flatOf(path);
      if (flat === null) yield* this.#inFolder(path);
      else yield* (await this.#named(flat)).values();
    }
  }

  /** Bytes of a file. */
  read(resource: Resource, range?: { readonly start: number; readonly end: number }, signal?: AbortSignal) {
    const { files } = this.#peer();
    const { entry, cid } = resource;
    if (entry !== null) return files.readEntry(entry, { ...(range && { range }), ...(signal && { signal }) });
    return files.read(cid ?? '', range === undefined ? undefined : { ...range, size: resource.size }, signal);
  }

  get #trees(): Trees {
    return this.#peer().trees;
  }

  get #files(): Files {
    return this.#peer().files;
  }

  async #own(name: string, below: readonly string[]): Promise<Resource | null> {
    if (below.length > 0 || this.#trees.state(name) !== null) {
      const found = await absentIsNull(this.#trees.entry({ folder: name, path: below }));
      return found === null ? null : ofTree(found);
    }
    if (this.#trees.hasLeft(name)) return null;
    const { id } = this.#peer().status('none');
    const entry = await absentIsNull(this.#files.resolve({ name, publisher: id }));
    return entry === null ? null : ofEntry(entry, name);
  }

  async *#ownNames(): AsyncGenerator<Resource, void, undefined> {
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<Files['list']>> = await this.#files.list({
        all: false,
        cursor,
        limit: namesPerPage,
      });
      for (const entry of page.files) {
        const { name } = entry;
        if (name === null || name.includes('/') || this.#trees.state(name) !== null || this.#trees.hasLeft(name))
          continue;
        yield ofEntry(entry, name);
      }
      cursor = page.cursor;
    } while (cursor !== null);
    for (const tree of this.#trees.own()) yield ofTree(tree);
  }

  async *#ownFolder(name: string, path: readonly string[]): AsyncGenerator<Resource, void, undefined> {
    for await (const entry of this.#trees.entries({ folder: name, path })) yield ofTree(entry);
  }

  /** In a folder of others, or of an own name as it was published. */
  async *#inFolder(path: readonly string[]): AsyncGenerator<Resource, void, undefined> {
    const found = await this.find(path);
    if (found?.cid == null) return;
    let count = 0;
    for await (const { name, cid, isLeaf, size } of this.#files.entries(found.cid)) {
      count += 1;
      if (count > maxListed) return;
      const opened = isLeaf ? null : await this.#files.entryAt(cid, []);
      const isFolder = opened?.type === 'directory';
      yield { ...nothing, name, isFolder, size: opened?.size ?? size, cid };
    }
  }

  async #foreign(root: string, name: string, below: readonly string[]): Promise<Resource | null> {
    if (root === 'search' && below.length === 0) return folder(name);
    if (root === 'peers' && below.length === 0) return this.#peerNames().has(name) ? folder(name) : null;
    const [path, rest] = root === 'search' || root === 'peers' ? [[root, name], below] : [[root], [name, ...below]];
    const [base = '', ...inside] = rest;
    const whole = root === 'network' ? await this.#inNetwork(base) : ((await this.#named(path)).get(base) ?? null);
    if (whole === null || inside.length === 0) return whole;
    if (!whole.isFolder || whole.cid === null) return null;
    const at = await absentIsNull(this.#files.entryAt(whole.cid, inside));
    if (at === null) return null;
    return { ...nothing, name: inside.at(-1) ?? '', isFolder: at.type === 'directory', size: at.size, cid: at.cid };
  }

  /** By its name, or `NAME@…END` of one of several publishers. */
  async #inNetwork(base: string): Promise<Resource | null> {
    const listed = (await this.#keptOf('network'))?.get(base);
    if (listed !== undefined) return listed;
    const entry = await absentIsNull(this.#files.resolve({ name: base }));
    return entry === null ? null : ofEntry(entry, base);
  }

  #keptOf(key: string): Promise<Named> | null {
    const kept = this.#kept.get(key);
    return kept !== undefined && performance.now() - kept.at < keptMilliseconds ? kept.named : null;
  }

  /** A list of names that others tell. */
  async #named(path: readonly string[]): Promise<Named> {
    const key = path.join('/');
    const kept = this.#keptOf(key);
    if (kept !== null) return kept;
    const named = this.#ask(path);
    this.#kept.set(key, { at: performance.now(), named });
    named.catch(() => this.#kept.delete(key));
    return named;
  }

  async #ask([root = '', name = '']: readonly string[]): Promise<Named> {
    const peer = this.#peer();
    if (root === 'network') return this.#everybody();
    if (root === 'search') return distinct(await found(peer, name));
    const id = root === 'shares' ? peer.status('none').id : this.#peerNames().get(name);
    if (id === undefined) throw new ChordialError('not-found', `No peer is called ${JSON.stringify(name)}.`);
    const all: Found[] = [];
    await eachPage(async (cursor) => {
      const page = await peer.browse(id, cursor);
      for (const one of page.files) if (root !== 'shares' || one.shared) all.push(one);
      return all.length < maxListed ? page.cursor : null;
    });
    return distinct(all);
  }

  async #everybody(): Promise<Named> {
    const named = new Map<string, Resource>();
    await eachPage(async (cursor) => {
      const page = await this.#files.list({ all: true, cursor, limit: namesPerPage });
      for (const entry of page.files) {
        const { name, publisher } = entry;
        if (name === null) continue;
        const shown = named.has(name) ? `${name}@…${publisher?.slice(-8)}` : name;
        named.set(shown, ofEntry(entry, shown));
      }
      return named.size < maxListed ? page.cursor : null;
    });
    return named;
  }

  /** Ids by name; of two that are called alike the second has its id too. */
  #peerNames(): ReadonlyMap<string, string> {
    const peer = this.#peer();
    const self = peer.status('none');
    const named = new Map<string, string>();
    for (const { id, name } of [self, ...peer.peers()]) {
      const shown = partOf(name);
      named.set(named.has(shown) ? `${shown}@…${id.slice(-8)}` : shown, id);
    }
    return named;
  }
}

/** Others may tell of a next page for ever. */
async function eachPage(read: (cursor: string | null) => Promise<string | null>): Promise<void> {
  const until = performance.now() + listingMilliseconds;
  let cursor: string | null = null;
  for (let pages = 0; pages < maxPages && performance.now() < until; pages++) {
    cursor = await read(cursor);
    if (cursor === null) return;
  }
}

/** What a peer calls itself, as a part of a path: clients would take two dots for the folder above. */
function partOf(name: string): string {
  return name
    .replaceAll('/', '_')
    .replace(/^\.{1,2}$/, '_')
    .normalize('NFC');
}

type Found = Pick<
  Awaited<ReturnType<Peer['browse']>>['files'][number],
  'name' | 'size' | 'type' | 'cid' | 'time' | 'shared'
>;

async function found(peer: Peer, text: string): Promise<readonly Found[]> {
  const query = await peer.search.start(text, { mode: 'words', orBroadcast: true });
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(done, searchMilliseconds);
    const forget = query.listen(() => {
      if (query.end !== null) done();
    });
    if (query.end !== null) done();
  });
  return peer.shownHits(query.rows.slice(0, maxListed));
}

/** The second of a name with other content has a part of its CID. */
function distinct(files: readonly Found[]): Named {
  const named = new Map<string, Resource>();
  for (const { name, size, type, cid, time } of files) {
    const base = name.replaceAll('/', '_');
    const known = named.get(base);
    if (known?.cid === cid) continue;
    const shown = known === undefined ? base : `${base}~${cid.slice(-8)}`;
    const at = Date.parse(time);
    const modified = Number.isNaN(at) ? null : at;
    named.set(shown, { ...nothing, name: shown, isFolder: type === 'directory', size, cid, modified });
  }
  return named;
}

/** The path of a list of names that others tell; null for what is inside one of them. */
function flatOf(path: readonly string[]): readonly string[] | null {
  const [root] = path;
  const length = root === 'search' || root === 'peers' ? 2 : 1;
  return path.length === length ? path : null;
}

const nothing: Resource = {
  name: '',
  isFolder: false,
  size: 0,
  modified: null,
  cid: null,
  properties: {},
  entry: null,
};

function folder(name: string): Resource {
  return { ...nothing, name, isFolder: true };
}

function ofTree({ name, type, size, modified, cid, properties }: TreeEntry): Resource {
  return { ...nothing, name, isFolder: type === 'directory', size, modified, cid, properties };
}

function ofEntry(entry: FileEntry, name: string): Resource {
  const { type, size, cid, time } = entry;
  const { modified } = fileAttributesOf(entry);
  const published = time === null ? Number.NaN : Date.parse(time);
  const at = modified ?? (Number.isNaN(published) ? null : published);
  return { ...nothing, name, isFolder: type === 'directory', size, cid, modified: at, entry };
}

async function absentIsNull<Value>(promise: Promise<Value>): Promise<Value | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ChordialError && (error.code === 'not-found' || error.code === 'bad-request')) return null;
    throw error;
  }
}
