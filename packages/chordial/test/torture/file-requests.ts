/** Put, get, remove and stat at one host's API; failures are returned as values with their code. */
import type { FileStat, PutResult } from '../../src/transfer/files.ts';
import type { TortureHost } from './host.ts';

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly detail: string };

const putMilliseconds = 30_000;
const removeMilliseconds = 15_000;
const statMilliseconds = 10_000;

export function putFile(host: TortureHost, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Answer<PutResult>> {
  const init = { method: 'PUT', body: bytes };
  return ask(
    host,
    { ...init, where: route(name), withinMilliseconds: putMilliseconds },
    async (response) => (await response.json()) as PutResult,
  );
}

/** `publisher` null: any file of that name. */
export function getFile(
  host: TortureHost,
  name: string,
  publisher: string | null,
  withinMilliseconds: number,
): Promise<Answer<Uint8Array>> {
  const query = publisher === null ? '' : `?publisher=${publisher}`;
  return ask(host, { where: route(name) + query, withinMilliseconds }, async (response) => {
    return new Uint8Array(await response.arrayBuffer());
  });
}

export function removeFile(host: TortureHost, name: string): Promise<Answer<null>> {
  return ask(host, { where: route(name), method: 'DELETE', withinMilliseconds: removeMilliseconds }, async () => null);
}

export function statFile(host: TortureHost, name: string, publisher: string): Promise<Answer<FileStat>> {
  const where = `${route(name)}/stat?publisher=${publisher}`;
  return ask(
    host,
    { where, withinMilliseconds: statMilliseconds },
    async (response) => (await response.json()) as FileStat,
  );
}

function route(name: string): string {
  return `/api/v1/files/${encodeURIComponent(name)}`;
}

interface Question extends RequestInit {
  readonly where: string;
  readonly withinMilliseconds: number;
}

async function ask<T>(
  host: TortureHost,
  { where, withinMilliseconds, ...init }: Question,
  read: (response: Response) => Promise<T>,
): Promise<Answer<T>> {
  const signal = AbortSignal.timeout(Math.max(1, Math.ceil(withinMilliseconds)));
  try {
    const response = await host.process.request(where, { ...init, signal });
    if (response.ok) return { ok: true, value: await read(response) };
    return { ok: false, ...problemIn(await response.text(), response.status) };
  } catch (error) {
    const { name, message, cause } = error as Error;
    const detail = `${host.name}: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}`;
    return { ok: false, code: name === 'TimeoutError' ? 'no-answer-in-time' : 'connection-lost', detail };
  }
}

function problemIn(text: string, status: number): { code: string; detail: string } {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown };
    if (typeof code === 'string') return { code, detail: String(detail) };
  } catch {
    // Not a problem document; reported as is below.
  }
  return { code: `status-${status}`, detail: text.slice(0, 300) };
}
