import type { FetchBlocks } from '../content/node-source.ts';
import type { ContentFetcher } from './content-fetcher.ts';

/** The way in which the readers of content ask for nodes: all at once, each handed over as soon as it is there. */
export function fetchBlocks(fetcher: Pick<ContentFetcher, 'fetch'>, signal?: AbortSignal): FetchBlocks {
  return async function* (cids) {
    const coming = cids.map(async (cid) => ({ cid, bytes: await fetcher.fetch(cid, signal) }));
    for (const promise of coming) promise.catch(() => undefined);
    for (const promise of coming) yield await promise;
  };
}
