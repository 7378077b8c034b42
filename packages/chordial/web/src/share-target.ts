/**
 * Files that another program shares with this page, where it is installed as an app. The browser posts them to /share,
 * where share-worker.ts keeps them in this browser and opens the page, which asks before anything is put.
 */
import type { GivenItems } from './given-files.ts';
import { kept, nameHeader, sharedQuery } from './share-kept.ts';

/** Once it is an app: without, nothing is shared with it, and no worker stands between the page and its peer. */
export function watchShares(): void {
  if (navigator.serviceWorker === undefined) return;
  const begin = () => void navigator.serviceWorker.register('/share-worker.js').catch(() => undefined);
  if (matchMedia('(display-mode: standalone)').matches) begin();
  else addEventListener('appinstalled', begin, { once: true });
}

/** Takes what the worker kept, once. */
export async function takeShared(): Promise<GivenItems> {
  const address = new URL(location.href);
  if (!address.searchParams.has(sharedQuery)) return { files: [], folders: [] };
  address.searchParams.delete(sharedQuery);
  history.replaceState(null, '', address);
  const cache = await caches.open(kept);
  const files: File[] = [];
  for (const request of await cache.keys()) {
    const response = await cache.match(request);
    if (response === undefined) continue;
    const bytes = await response.blob();
    files.push(new File([bytes], decodeURIComponent(response.headers.get(nameHeader) ?? ''), { type: bytes.type }));
  }
  await caches.delete(kept);
  return { files, folders: [] };
}
