/** Fetches the blocks of one content, from the ring and from its sharers. */

import type { CID } from 'multiformats/cid';
import type { FetchBlocks } from '../content/node-source.ts';
import type { BlockFetcher, Sharers } from '../replication/block-fetcher.ts';

/** How file operations obtain blocks. */
export interface ContentFetcher {
  /** The verified bytes. Rejects with `no-live-source`, or `interrupted` when the signal fires. */
  fetch(cid: CID, signal?: AbortSignal): Promise<Uint8Array>;
  /** Returns a buffer delivered by `fetch` that is no longer in use. */
  release(bytes: Uint8Array): void;
}

export function contentFetcher(fetcher: BlockFetcher, sharers: Sharers): ContentFetcher {
  return {
    fetch: (cid, signal) => fetcher.fetch(cid, signal, sharers),
    release: (bytes) => fetcher.release(bytes),
  };
}

/** How readers of content fetch nodes: all at once, each delivered as soon as it arrives. */
export function fetchBlocks(fetcher: Pick<ContentFetcher, 'fetch'>, signal?: AbortSignal): FetchBlocks {
  return async function* (cids) {
    const coming = cids.map(async (cid) => ({ cid, bytes: await fetcher.fetch(cid, signal) }));
    for (const promise of coming) promise.catch(() => undefined);
    for (const promise of coming) yield await promise;
  };
}
