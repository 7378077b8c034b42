/**
 * The page of a sealed link: opens with the key behind the `#` of its address, which the door never sees. On https, or on
 * this machine, a service worker decrypts while the browser saves; elsewhere the page holds the file in memory.
 */
import { size as shownSize, visible } from '../shown.ts';
import { openPart, type SealedContent } from './open-sealed.ts';
import type { Told, Wanted } from './saving.ts';

const maxMemoryBytes = 2 ** 30;
const stayMilliseconds = 10_000;

const root = document.querySelector<HTMLElement>('#sealed')!;
const { link = '', part = '' } = root.dataset;
const source = `/s/${link}/content.age`;
const button = root.querySelector<HTMLButtonElement>('button')!;
const progress = root.querySelector<HTMLProgressElement>('progress')!;
const said = document.querySelector<HTMLElement>('#said')!;
const failure = root.querySelector<HTMLElement>('#failure')!;

// Another key in the same address.
addEventListener('hashchange', () => location.reload());
begin();

function begin(): void {
  const key = location.hash.slice(1);
  const content = openPart(link, key, part);
  if (content === null) {
    fail(
      key === ''
        ? 'The key of this file is missing: the address has a # and a key at its end. Ask for the whole link.'
        : 'The key in the address is wrong: the end of the link is missing or changed. Ask for the whole link.',
    );
    return;
  }
  const name = visible(content.name);
  document.title = name;
  root.querySelector('h1 bdi')!.textContent = name;
  root.querySelector('#size')!.textContent = shownSize(content.size);
  button.disabled = false;
  button.addEventListener('click', () => void save(content));
  const canStream = isSecureContext && 'serviceWorker' in navigator;
  if (!canStream) {
    say('This page came without https, so it holds the whole file in memory until you have it: up to 1 GiB.');
    if (content.size > maxMemoryBytes) {
      button.disabled = true;
      fail('This file is larger than 1 GiB. Open the link by https, or get it by "chordial receive".');
    }
  }
}

async function save(content: SealedContent): Promise<void> {
  button.disabled = true;
  failure.hidden = true;
  progress.hidden = false;
  progress.max = Math.max(1, content.size);
  progress.value = 0;
  try {
    const worker = isSecureContext ? await workerOf() : null;
    if (worker !== null) await stream(worker, content);
    else if (content.size <= maxMemoryBytes) await gather(content);
    else throw new Error('memory');
    progress.value = progress.max;
    say('The file is complete and unchanged.');
  } catch {
    progress.hidden = true;
    fail(
      'The file could not be opened: it was cut off or changed on its way, or the connection broke. Nothing of it is to be trusted. Try again.',
    );
  }
  button.disabled = false;
}

/** Null where there is none, as in private windows of some browsers. */
async function workerOf(): Promise<ServiceWorker | null> {
  try {
    const registration = await navigator.serviceWorker.register('/opener-worker.js', { scope: `/s/${link}/` });
    const worker = registration.active ?? registration.waiting ?? registration.installing;
    if (worker === null) return null;
    if (worker.state !== 'activated') {
      await new Promise<void>((resolve, reject) =>
        worker.addEventListener('statechange', () => {
          if (worker.state === 'activated') resolve();
          else if (worker.state === 'redundant') reject(new Error('worker'));
        }),
      );
    }
    return worker;
  } catch {
    return null;
  }
}

/** Resolves when the worker has given the last byte. */
async function stream(worker: ServiceWorker, { name, size, fileKey }: SealedContent): Promise<void> {
  const token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join('');
  const { port1, port2 } = new MessageChannel();
  const wanted: Wanted = { token, source, name, size, fileKey };
  const staying = setInterval(() => worker.postMessage('stay'), stayMilliseconds);
  try {
    await new Promise<void>((resolve, reject) => {
      port1.onmessage = ({ data }: MessageEvent<Told>) => {
        if (data.state === 'ready') location.assign(`/s/${link}/open/${token}/${encodeURIComponent(name)}`);
        else if (data.state === 'saving') progress.value = data.bytes;
        else if (data.state === 'saved') resolve();
        else reject(new Error('failed'));
      };
      worker.postMessage(wanted, [port2]);
    });
  } finally {
    clearInterval(staying);
    port1.close();
  }
}

/** The browser gets the file only when all of it was verified. */
async function gather({ name, size, fileKey }: SealedContent): Promise<void> {
  const { decrypted } = await import('./decrypted.ts');
  const response = await fetch(source, { headers: { Accept: 'application/octet-stream' } });
  if (!response.ok || response.body === null) throw new Error(String(response.status));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = (await decrypted(response.body, fileKey)).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.length;
    if (bytes > size) break;
    parts.push(next.value as Uint8Array<ArrayBuffer>);
    progress.value = bytes;
  }
  if (bytes !== size) throw new Error('size');
  const url = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function say(text: string): void {
  said.textContent = text;
}

function fail(text: string): void {
  failure.textContent = text;
  failure.hidden = false;
}
