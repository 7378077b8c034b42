/** Reads folders, plain and sharded: listing, and lookup of one entry. */
import type { CID } from 'multiformats/cid';
import { whyNotAName } from './name.ts';
import { type FetchBlocks, fetchNodes } from './node-source.ts';
import { badContent, type DirectoryEntry, type DirectoryNode, type ShardNode, shardPlaces } from './unixfs.ts';

/** Limit on the entries of one listing; a larger folder is refused to bound the reader's memory. */
export const maxDirectoryEntries = 1_048_576;
/** Honest shards hold at least a few entries each; empty ones must not be walked without end. */
export const maxDirectoryShards = 262_144;
/** 64 bits of hash, 8 at each level. */
const maxShardDepth = 8;
/** Shards fetched concurrently while listing. */
const maxShardConcurrency = 16;

type FolderNode = DirectoryNode | ShardNode;

export class DirectoryContent {
  readonly type = 'directory';
  readonly cid: CID;
  readonly #root: FolderNode;
  readonly #fetch: FetchBlocks;

  constructor(cid: CID, root: FolderNode, fetch: FetchBlocks) {
    this.cid = cid;
    this.#root = root;
    this.#fetch = fetch;
  }

  /** Every entry once, in block order. Names that would escape the folder, and duplicates, are 'bad-content'. */
  async *entries(): AsyncGenerator<DirectoryEntry, void, undefined> {
    const seen = new Set<string>();
    for await (const entry of this.#list(this.#root, 0, { shards: 0 })) {
      const reason = whyNotAName(entry.name) ?? (seen.has(entry.name) ? 'it occurs twice' : null);
      if (reason !== null) throw badContent(this.cid, `it has an entry ${JSON.stringify(entry.name)}: ${reason}`);
      if (seen.size === maxDirectoryEntries)
        throw badContent(this.cid, `it has more than ${maxDirectoryEntries} entries`);
      seen.add(entry.name);
      yield entry;
    }
  }

  /** The entry of this name, or null. In a sharded folder only the shards on its path are fetched. */
  async entry(name: string): Promise<DirectoryEntry | null> {
    if (whyNotAName(name) !== null) return null;
    if (this.#root.type === 'directory') return this.#root.links.find((link) => link.name === name) ?? null;
    let shard = this.#root;
    for (const place of await shardPlaces(name)) {
      const label = labelOf(place);
      const found = shard.links.find((link) => link.name === label + name);
      if (found !== undefined) return { ...found, name };
      const below = shard.links.find((link) => link.name === label);
      if (below === undefined) return null;
      shard = await this.#shard(below.cid);
    }
    return null;
  }

  async *#list(
    node: FolderNode,
    depth: number,
    walk: { shards: number },
  ): AsyncGenerator<DirectoryEntry, void, undefined> {
    if (node.type === 'directory') return yield* node.links;
    if (depth >= maxShardDepth) throw badContent(this.cid, `its shards are deeper than ${maxShardDepth} levels`);
    walk.shards += 1;
    if (walk.shards > maxDirectoryShards) throw badContent(this.cid, `it has more than ${maxDirectoryShards} shards`);
    const below: CID[] = [];
    for (const link of node.links) {
      if (!/^[0-9A-F]{2}/.test(link.name))
        throw badContent(this.cid, `it has a shard link ${JSON.stringify(link.name)} without a place`);
      if (link.name.length === 2) below.push(link.cid);
      else yield { ...link, name: link.name.slice(2) };
    }
    for (let i = 0; i < below.length; i += maxShardConcurrency) {
      for (const shard of await this.#shards(below.slice(i, i + maxShardConcurrency)))
        yield* this.#list(shard, depth + 1, walk);
    }
  }

  async #shard(cid: CID): Promise<ShardNode> {
    const [shard] = await this.#shards([cid]);
    if (shard === undefined) throw badContent(this.cid, `its shard ${cid} is missing`);
    return shard;
  }

  async #shards(cids: readonly CID[]): Promise<ShardNode[]> {
    const nodes = await fetchNodes(cids, this.#fetch);
    return nodes.map((node) => {
      if (node.type !== 'shard') throw badContent(this.cid, 'a part of it is no shard of a folder');
      return node;
    });
  }
}

function labelOf(place: number): string {
  return place.toString(16).toUpperCase().padStart(2, '0');
}
