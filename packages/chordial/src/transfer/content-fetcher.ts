/** Fetches the blocks of one content, from the ring and from its sharers. */

import type { CID } from 'multiformats/cid';
import type { FetchBlocks } from '../content/node-source.ts';
import { ChordialError } from '../errors.ts';
import type { StopSwitch } from '../flow/timetable.ts';
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

/** One that has delivered something waits for the end of a stop: its reader is amid an answer. */
export function resumedAfterStop(fetcher: ContentFetcher, stop: StopSwitch | undefined): ContentFetcher {
  if (stop === undefined) return fetcher;
  let hasBegun = false;
  return {
    fetch: async (cid, signal) => {
      for (;;) {
        try {
          const bytes = await fetcher.fetch(cid, signal);
          hasBegun = true;
          return bytes;
        } catch (error) {
          if (!hasBegun || !(error instanceof ChordialError) || error.code !== 'stopped') throw error;
          await untilNotStopped(stop, signal);
        }
      }
    },
    release: (bytes) => fetcher.release(bytes),
  };
}

/** Rejects with `interrupted` when the signal fires. */
function untilNotStopped(stop: StopSwitch, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = (): void => {
    if (signal?.aborted) reject(new ChordialError('interrupted', 'The get was interrupted.'));
    else if (stop.reason() === null) resolve();
  };
  const forget = stop.onChange(look);
  signal?.addEventListener('abort', look);
  look();
  return promise.finally(() => {
    forget();
    signal?.removeEventListener('abort', look);
  });
}

/** How readers of content fetch nodes: all at once, each delivered as soon as it arrives. */
export function fetchBlocks(fetcher: Pick<ContentFetcher, 'fetch'>, signal?: AbortSignal): FetchBlocks {
  return async function* (cids) {
    const coming = cids.map(async (cid) => ({ cid, bytes: await fetcher.fetch(cid, signal) }));
    for (const promise of coming) promise.catch(() => undefined);
    for (const promise of coming) yield await promise;
  };
}
