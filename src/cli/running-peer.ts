/** How commands find the peer that runs on a data folder: a small file in it, written by `start`. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { interfaceAddresses, isLoopback } from '../network/addresses.ts';
import { defaultDataFolder } from '../node/configuration.ts';
import { parsePath } from '../node/quantities.ts';
import { readRuntimeFile, runtimeFile } from '../storage/runtime-folder.ts';
import { ApiClient, noRunningPeer } from './client.ts';

export interface RunningPeerNote {
  readonly url: string;
  /** Peer id: after a crash another peer may have got the port. */
  readonly id: string;
  /** Absolute path of the folder that `get` saves to. */
  readonly save: string | null;
}

export interface PeerOptions {
  readonly data?: string;
  readonly api?: string;
}

export interface FoundPeer {
  readonly client: ApiClient;
  readonly save: string | null;
  /** Peer and command see the same files, as far as the address tells. */
  readonly isHere: boolean;
  /** Shows the peer that this command runs as its own user on its machine; null where that is not so. */
  readonly key: string | null;
}

const noteFile = 'running-peer.json';
export const tokenFile = 'api-token';
/** An address and a path. */
const maximumNoteBytes = 64 * 1024;

export async function writeNote(data: string, note: RunningPeerNote): Promise<void> {
  const target = path.join(data, noteFile);
  await writeFile(`${target}.new`, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  await rename(`${target}.new`, target);
}

export async function removeNote(data: string): Promise<void> {
  await rm(path.join(data, noteFile), { force: true });
}

/** Absolute; null only for a user without a home who names the peer with --api. Else that user is told with `bad-usage`. */
export function dataFolderOf({ data, api }: PeerOptions): string | null {
  if (data !== undefined) return parsePath(data, '--data');
  try {
    return defaultDataFolder();
  } catch (error) {
    if (api === undefined) throw error;
    return null;
  }
}

/** Throws `no-running-peer`, or `bad-usage` for an --api that is no address. */
export async function findPeer(options: PeerOptions): Promise<FoundPeer> {
  const folder = dataFolderOf(options);
  const kept = folder === null ? null : () => textIn(path.join(folder, tokenFile));
  const token = process.env['CHORDIAL_API_TOKEN'] ?? (await kept?.()) ?? null;
  if (options.api !== undefined) return await found(apiUrl(options.api), token, null);
  const data = folder ?? defaultDataFolder();
  const note = await readNote(data);
  const peer = await found(note.url, token, note.save);
  const { id } = await peer.client.call('GET /api/v1/node', { query: { fingers: 'none' } });
  if (id === note.id) return peer;
  throw noRunningPeer(`The peer of ${data} does not run: another one, ${id}, has its address ${note.url} now`);
}

async function found(url: string, token: string | null, save: string | null): Promise<FoundPeer> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const isHere = isLoopback(host) || interfaceAddresses().includes(host);
  const key = isHere ? await readRuntimeFile(keyFile(url)) : null;
  return { client: new ApiClient(url, token), save, isHere, key };
}

/** What a running peer leaves for programs of its own user; see storage/runtime-folder.ts. @param url of its API */
export function keyFile(url: string): string {
  const { hostname, port } = new URL(url);
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname;
  return runtimeFile(`${host}:${port === '' ? '80' : port}`, '.key');
}

/** `http://HOST:PORT`, or the HOST:PORT that `start --api` takes. */
function apiUrl(text: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && url.protocol === 'http:' && url.hostname !== '' && url.pathname === '/') return url.origin;
  throw new ChordialError(
    'bad-usage',
    `--api ${JSON.stringify(text.slice(0, 261))} is not the address of an API. Give one such as http://127.0.0.1:8081.`,
  );
}

async function readNote(data: string): Promise<RunningPeerNote> {
  const text = await textIn(path.join(data, noteFile));
  if (text === null) throw noRunningPeer(`No peer runs on the data folder ${data}`);
  try {
    const { url, id, save } = JSON.parse(text) as Partial<Record<keyof RunningPeerNote, unknown>>;
    if (typeof url === 'string' && URL.canParse(url) && typeof id === 'string') {
      return { url, id, save: typeof save === 'string' ? save : null };
    }
  } catch {
    // Told below, like a note of the wrong shape.
  }
  throw noRunningPeer(`${path.join(data, noteFile)} is broken, so the peer of ${data} cannot be found`);
}

/** The trimmed text of a small file; null when there is none. */
async function textIn(file: string): Promise<string | null> {
  try {
    const text = await readFile(file, 'utf8');
    return text.length > maximumNoteBytes ? null : text.trim();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new ChordialError(
      'unreadable-file',
      `${file} cannot be read (${message}). Mend its permissions, or name the peer with --api URL.`,
      {
        cause: error,
      },
    );
  }
}
