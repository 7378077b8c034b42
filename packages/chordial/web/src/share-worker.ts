/**
 * The service worker of the page where it is installed as an app: keeps what other programs share with it for the page.
 * It answers nothing else, so it neither sees nor delays other requests. Any site may post a form here: all that it gets
 * done is a question to the reader, for the last share alone.
 */
import { kept, nameHeader, sharedQuery } from './share-kept.ts';

/** What a service worker has beyond a page. */
interface WorkerScope {
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install', listener: (event: Lasting) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
}
interface Lasting extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface Fetching extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

const scope = globalThis as unknown as WorkerScope;
const maxFiles = 100;
const maxTextCharacters = 100_000;

scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));

scope.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'POST' && new URL(url).pathname === '/share') event.respondWith(take(event.request));
});

async function take(request: Request): Promise<Response> {
  try {
    const form = await request.formData();
    const files = form.getAll('files').filter((one) => one instanceof File && one.name !== '') as File[];
    // Programs that share a link or a text give no file.
    const parts = ['title', 'text', 'url'].map((name) => form.get(name)).filter((part) => typeof part === 'string');
    const words = parts.filter((part) => part !== '').join('\n');
    if (files.length === 0 && words !== '')
      files.push(new File([`${words.slice(0, maxTextCharacters)}\n`], `${nameOf(words)}.txt`, { type: 'text/plain' }));
    await caches.delete(kept);
    const cache = await caches.open(kept);
    for (const [place, file] of files.slice(0, maxFiles).entries()) {
      const headers = { [nameHeader]: encodeURIComponent(file.name), 'Content-Type': file.type };
      await cache.put(`/share/${place}`, new Response(file, { headers }));
    }
  } catch {
    // No room, or no form: the page opens and has nothing to ask.
  }
  return Response.redirect(`/files?${sharedQuery}=1`, 303);
}

/** The first line, as far as it is a name. */
function nameOf(words: string): string {
  const line = words.split('\n', 1)[0] ?? '';
  return (
    line
      .replace(/[/\p{C}]/gu, ' ')
      .trim()
      .slice(0, 60) || 'shared'
  );
}
