/** Fetches the blocks of one content, from the ring and from its sharers. */
import type { CID } from 'multiformats/cid';
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
