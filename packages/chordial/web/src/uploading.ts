/**
 * Puts files and folders of this browser, from any view, also while the reader goes to another one. Files go by tus 1.0
 * (https://tus.io/protocols/resumable-upload): one that was interrupted, by a closed page or a restarted peer, resumes
 * when the same file is chosen again. A folder is one stream, which begins again after an interruption.
 */
import * as tus from 'tus-js-client';
import { errorWords } from './api.ts';
import type { GivenFolder, GivenItems } from './given-files.ts';
import { Shared } from './shared.ts';
import { text } from './strings/text.ts';

export interface Upload {
  readonly id: number;
  readonly name: string;
  readonly kind: 'file' | 'folder';
  /** Bytes. */
  readonly size: number;
  readonly sent: number;
  /** Bytes per second. */
  readonly speed: number;
  /** `storing`: the peer has all bytes and puts them into the network. */
  readonly state: 'waiting' | 'sending' | 'storing' | 'paused' | 'failed' | 'done';
  readonly problem: string | null;
  readonly copies: number | null;
}

/** One upload, however it is carried out. */
interface Sender {
  readonly start: () => void;
  readonly pause: () => void;
  /** Ends it for good. */
  readonly end: () => void;
}

const retryDelaysMilliseconds = [500, 1000, 3000, 5000, 10_000, 20_000];
/** At most one chunk is sent again after an interruption. */
const pieceBytes = 64 * 1024 * 1024;
/** Sent at the same time: browsers open six connections to a host, and the page needs some for itself. */
const maxSending = 3;
/** Rates over less are noise. */
const rateSeconds = 0.5;

/** Oldest first. */
export const uploads = new Shared<readonly Upload[]>([]);

const senders = new Map<number, Sender>();
let count = 0;

/** `isSealed`: only this peer can read them. */
export function upload({ files, folders }: GivenItems, isSealed: boolean): void {
  for (const file of files) add({ name: file.name, kind: 'file', size: file.size }, (id) => ofFile(id, file, isSealed));
  for (const folder of folders)
    add({ name: folder.name, kind: 'folder', size: folder.size }, (id) => ofFolder(id, folder, isSealed));
}

export function pauseUpload(id: number): void {
  change(id, { state: 'paused' });
  senders.get(id)?.pause();
  startNext();
}

export function resumeUpload(id: number): void {
  change(id, { state: 'waiting', problem: null });
  startNext();
}

/** Ends one, or takes a finished one off the list. */
export function removeUpload(id: number): void {
  senders.get(id)?.end();
  senders.delete(id);
  uploads.set(uploads.value.filter((one) => one.id !== id));
  startNext();
}

export function clearDone(): void {
  uploads.set(uploads.value.filter(({ state }) => state !== 'done'));
}

export function isUnderWay({ state }: Upload): boolean {
  return state === 'waiting' || state === 'sending' || state === 'storing';
}

function add(about: Pick<Upload, 'name' | 'kind' | 'size'>, sender: (id: number) => Sender): void {
  count += 1;
  const id = count;
  uploads.set([...uploads.value, { ...about, id, sent: 0, speed: 0, state: 'waiting', problem: null, copies: null }]);
  senders.set(id, sender(id));
  startNext();
}

function change(id: number, changes: Partial<Upload>): void {
  uploads.set(uploads.value.map((one) => (one.id === id ? { ...one, ...changes } : one)));
}

function startNext(): void {
  const sending = uploads.value.filter(({ state }) => state === 'sending' || state === 'storing').length;
  const next = uploads.value.filter(({ state }) => state === 'waiting').slice(0, Math.max(0, maxSending - sending));
  for (const { id } of next) {
    change(id, { state: 'sending' });
    senders.get(id)?.start();
  }
}

function done(id: number, size: number, copies: number | null): void {
  senders.delete(id);
  change(id, { state: 'done', sent: size, copies });
  startNext();
}

function failed(id: number, problem: string): void {
  change(id, { state: 'failed', problem });
  startNext();
}

function progress(id: number): (sent: number, size: number) => void {
  let mark = { time: Date.now(), sent: 0 };
  return (sent, size) => {
    // Events that were sent before it was paused.
    if (uploads.value.find((one) => one.id === id)?.state === 'paused') return;
    const seconds = (Date.now() - mark.time) / 1000;
    const speed = seconds > rateSeconds ? Math.max(0, (sent - mark.sent) / seconds) : null;
    if (seconds > 4 * rateSeconds) mark = { time: Date.now(), sent };
    change(id, { sent, state: sent === size ? 'storing' : 'sending', ...(speed === null ? {} : { speed }) });
  };
}

function ofFile(id: number, file: File, isSealed: boolean): Sender {
  let copies: number | null = null;
  let isBegun = false;
  const sending = new tus.Upload(file, {
    endpoint: '/api/v1/uploads',
    metadata: { filename: file.name, sealed: String(isSealed) },
    // One that was begun in the clear must not go on as a sealed one.
    fingerprint: async () => JSON.stringify([file.name, file.size, file.lastModified, isSealed]),
    chunkSize: pieceBytes,
    retryDelays: retryDelaysMilliseconds,
    removeFingerprintOnSuccess: true,
    onProgress: progress(id),
    onAfterResponse: (_request, response) => {
      const given = response.getHeader('Chordial-Copies');
      if (given !== undefined && given !== null) copies = Number(given);
    },
    onSuccess: () => done(id, file.size, copies),
    onError: (error) => failed(id, plainWords(error)),
  });
  const begin = async (): Promise<void> => {
    if (!isBegun) {
      isBegun = true;
      const [previous] = await sending.findPreviousUploads();
      if (previous !== undefined) sending.resumeFromPreviousUpload(previous);
      // Paused or ended meanwhile.
      if (uploads.value.find((one) => one.id === id)?.state !== 'sending') return;
    }
    sending.start();
  };
  return {
    start: () => void begin(),
    pause: () => void sending.abort(),
    end: () => void sending.abort(true).catch(() => undefined),
  };
}

/** By XMLHttpRequest: fetch tells no progress of what it sends. */
function ofFolder(id: number, folder: GivenFolder, isSealed: boolean): Sender {
  let request: XMLHttpRequest | null = null;
  const start = (): void => {
    if (isSealed) {
      failed(id, text.uploads.folderNotSealed);
      return;
    }
    const body = folder.stream();
    const sending = new XMLHttpRequest();
    request = sending;
    const told = progress(id);
    sending.upload.onprogress = ({ loaded }) =>
      told(Math.min(folder.size, loaded), loaded < body.size ? Number.POSITIVE_INFINITY : folder.size);
    sending.onload = () => {
      const answer = answerOf(sending.responseText);
      if (sending.status === 201) done(id, folder.size, answer.copies ?? null);
      else failed(id, answer.detail ?? text.frame.answered(sending.status));
    };
    sending.onerror = () => failed(id, text.uploads.folderCut);
    sending.open('PUT', `/api/v1/folders/${encodeURIComponent(folder.name)}?sealed=false`);
    sending.setRequestHeader('Content-Type', 'application/octet-stream');
    sending.send(body);
  };
  const end = (): void => request?.abort();
  return { start, pause: end, end };
}

/** The peer's problem document is more useful than the library's message, which is for developers. */
function plainWords(error: Error | tus.DetailedError): string {
  const body = 'originalResponse' in error ? error.originalResponse?.getBody() : undefined;
  if (body === undefined) return text.uploads.cut;
  const { code, detail } = answerOf(body);
  return errorWords(code, detail ?? error.message).message;
}

function answerOf(json: string): { readonly code?: string; readonly detail?: string; readonly copies?: number } {
  try {
    return JSON.parse(json) as { readonly detail?: string; readonly copies?: number };
  } catch {
    return {};
  }
}
