/**
 * The service worker of sealed links: answers `/s/ID/open/TOKEN/NAME` with the content as it is decrypted, so that the
 * browser saves a file of any size without holding it. Nothing else is answered here.
 */
import { decrypted } from './decrypted.ts';
import type { Told, Wanted } from './saving.ts';

/** What a service worker has beyond a page. */
interface WorkerScope {
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: Lasting) => void): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Wanted | 'stay'>) => void): void;
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
const wanted = new Map<string, { readonly file: Wanted; readonly tell: (told: Told) => void }>();
const maxWanted = 32;
/** The page is told of progress each time so many bytes more are there. */
const toldBytes = 1024 * 1024;

scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));

scope.addEventListener('message', ({ data, ports }) => {
  // Sent now and then, so that the browser does not end the worker.
  if (data === 'stay') return;
  const [port] = ports;
  if (port === undefined || wanted.size >= maxWanted) return;
  wanted.set(data.token, { file: data, tell: (told) => port.postMessage(told) });
  port.postMessage({ state: 'ready' } satisfies Told);
});

scope.addEventListener('fetch', (event) => {
  const token = /^\/s\/[^/]+\/open\/([\w-]+)\//.exec(new URL(event.request.url).pathname)?.[1] ?? '';
  const found = wanted.get(token);
  if (found === undefined) return;
  wanted.delete(token);
  event.respondWith(answer(found.file, found.tell));
});

async function answer({ source, name, size, fileKey }: Wanted, tell: (told: Told) => void): Promise<Response> {
  try {
    const response = await fetch(source, { headers: { Accept: 'application/octet-stream' } });
    if (!response.ok || response.body === null) throw new Error(String(response.status));
    const content = await decrypted(response.body, fileKey);
    return new Response(watched(content, size, tell), {
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, percent)}`,
        'Content-Length': String(size),
        'Content-Security-Policy': "sandbox; default-src 'none'",
        'X-Content-Type-Options': 'nosniff',
      },
    });
  } catch {
    tell({ state: 'failed' });
    return Response.error();
  }
}

function watched(
  content: ReadableStream<Uint8Array>,
  size: number,
  tell: (told: Told) => void,
): ReadableStream<Uint8Array> {
  const reader = content.getReader();
  let bytes = 0;
  let told = 0;
  /** One piece behind: a browser that has as many bytes as were announced asks no more, and the end must be known by then. */
  let held: Uint8Array | null = null;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        held ??= (await reader.read()).value ?? null;
        const { done, value } = await reader.read();
        bytes += held?.length ?? 0;
        if (done && bytes !== size) throw new Error('size');
        if (held !== null) controller.enqueue(held);
        held = value ?? null;
        if (done) {
          controller.close();
          tell({ state: 'saved' });
        } else if (bytes - told >= toldBytes) {
          told = bytes;
          tell({ state: 'saving', bytes });
        }
      } catch (error) {
        controller.error(error);
        tell({ state: 'failed' });
      }
    },
    cancel: (reason) => {
      tell({ state: 'failed' });
      return reader.cancel(reason);
    },
  });
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
