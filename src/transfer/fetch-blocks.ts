import type { FetchBlocks } from '../content/node-source.ts';
import type { ContentFetcher } from './content-fetcher.ts';

/** How readers of content fetch nodes: all at once, each delivered as soon as it arrives. */
export function fetchBlocks(fetcher: Pick<ContentFetcher, 'fetch'>, signal?: AbortSignal): FetchBlocks {
  return async function* (cids) {
    const coming = cids.map(async (cid) => ({ cid, bytes: await fetcher.fetch(cid, signal) }));
    for (const promise of coming) promise.catch(() => undefined);
    for (const promise of coming) yield await promise;
  };
}
