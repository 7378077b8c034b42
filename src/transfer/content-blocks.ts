/** Every block of a file or folder, nodes and leaves, each once. */
import type { CID } from 'multiformats/cid';
import { dagPbCodec, inlineBytes } from '../content/cid.ts';
import { decodeUnixfs } from '../content/unixfs.ts';
import { ChordialError } from '../errors.ts';
import type { ContentFetcher } from './content-fetcher.ts';

/** 1 TiB of one file. */
const maximumBlocks = 1_048_576;
const maximumNodesAtOnce = 8;

export async function blocksOf(root: CID, fetcher: ContentFetcher, signal?: AbortSignal): Promise<readonly CID[]> {
  const found = new Map<string, CID>();
  let level: CID[] = [root];
  while (level.length > 0) {
    const below: CID[] = [];
    const nodes: CID[] = [];
    for (const cid of level) {
      if (inlineBytes(cid) !== null || found.has(cid.toString())) continue;
      found.set(cid.toString(), cid);
      if (cid.code === dagPbCodec) nodes.push(cid);
      if (found.size > maximumBlocks)
        throw new ChordialError('too-large', `${root} has more than ${maximumBlocks} blocks; they cannot be counted.`);
    }
    for (let start = 0; start < nodes.length; start += maximumNodesAtOnce) {
      const some = nodes.slice(start, start + maximumNodesAtOnce);
      for (const children of await Promise.all(some.map((cid) => childrenOf(cid, fetcher, signal))))
        below.push(...children);
    }
    level = below;
  }
  return [...found.values()];
}

async function childrenOf(cid: CID, fetcher: ContentFetcher, signal?: AbortSignal): Promise<readonly CID[]> {
  const node = decodeUnixfs({ cid, bytes: await fetcher.fetch(cid, signal) });
  return node.type === 'file' ? node.children.map((child) => child.cid) : node.links.map((link) => link.cid);
}
