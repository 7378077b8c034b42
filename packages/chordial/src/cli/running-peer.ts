/**
 * Finds a running peer and its token: a note in its data folder and one in the runtime folder of its user, both written
 * by `start`. The token is sent only to those addresses, and only after the peer has proved that it wrote the note: any
 * program may take the port of a peer that has died.
 */
import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { proofOf } from '../api/sessions.ts';
import { ChordialError } from '../errors.ts';
import { formatAddress, interfaceAddresses, isLoopback, withoutMapping } from '../network/addresses.ts';
import { defaultDataFolder } from '../peer/configuration.ts';
import { parsePath } from '../peer/quantities.ts';
import { readRuntimeFile, removeRuntimeFile, runtimeFile, writeRuntimeFile } from '../storage/runtime-folder.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { tokenFile } from './api-token.ts';
import { ApiClient, noRunningPeer } from './client.ts';
import { note as warn } from './output.ts';

export interface RunningPeerNote {
  readonly url: string;
  /** Hexadecimal: the peer proves with it that the note is its own. */
  readonly proofKey: string;
  /** PEM, when the API uses TLS. */
  readonly certificate: string | null;
  /** Absolute path of the folder that `get` writes to. */
  readonly save: string | null;
}

/** In the runtime folder, for when no data folder is known. */
interface RuntimeNote extends RunningPeerNote {
  readonly token: string;
  /** Proves to the peer that a command runs as its user. */
  readonly localKey: string | null;
}

export interface PeerOptions {
  readonly data?: string;
  readonly api?: string;
}

export interface FoundPeer {
  readonly client: ApiClient;
  readonly save: string | null;
  /** Peer and command are on one machine and see the same files. */
  readonly isHere: boolean;
  /** Proves to the peer that this command runs as its user on its machine; null otherwise. */
  readonly key: string | null;
}

const noteFile = 'running-peer.json';
const runtimeSuffix = '.api';
/** Another program on the port may never answer. */
const proofMilliseconds = 10_000;
/** An address, a path and certificates. */
const maxNoteBytes = 64 * 1024;

/**
 * Writes the notes of a peer whose API is bound to `address`; returns how to remove them. `failed` is called when only
 * one could be written.
 */
export async function writeNotes(
  data: string,
  address: string,
  note: RuntimeNote,
  failed: (error: Error) => void,
): Promise<() => Promise<void>> {
  const { token: _token, localKey: _key, ...ofFolder } = note;
  const target = path.join(data, noteFile);
  await writeFile(`${target}.new`, `${JSON.stringify(ofFolder)}\n`, { mode: 0o600 });
  await rename(`${target}.new`, target);
  const name = runtimeFile(address, runtimeSuffix);
  const text = `${JSON.stringify(note)}\n`;
  // Without it commands find the peer by its data folder.
  await writeRuntimeFile(name, text).catch(failed);
  return async () => {
    await rm(target, { force: true });
    await removeRuntimeFile(name, text).catch(() => undefined);
  };
}

/** Absolute; null only for a user without a home who gives --api. Without --api such a user gets `bad-usage`. */
export function dataFolderOf({ data, api }: PeerOptions): string | null {
  if (data !== undefined) return parsePath(data, '--data');
  try {
    return defaultDataFolder();
  } catch (error) {
    if (api === undefined) throw error;
    return null;
  }
}

/** Throws `no-running-peer`, or `bad-usage` for an invalid --api. */
export async function findPeer(options: PeerOptions): Promise<FoundPeer> {
  const given = process.env['CHORDIAL_API_TOKEN'];
  if (options.api === undefined) {
    const data = dataFolderOf(options) ?? defaultDataFolder();
    const note = await readNote(data);
    const token = given ?? (await textIn(path.join(data, tokenFile))) ?? '';
    return proved({ ...note, token, localKey: null }, note.url, data);
  }
  const url = apiUrl(options.api);
  const note = await runtimeNote(url);
  if (note !== null) return proved({ ...note, token: given ?? note.token }, url, 'this user');
  const data = dataFolderOf(options);
  const ofFolder = data === null ? null : await noteOf(data, url, options.data !== undefined);
  if (ofFolder !== null) return proved({ ...ofFolder, token: given ?? ofFolder.token }, url, data ?? '');
  const { protocol, hostname } = new URL(url);
  if (given !== undefined && protocol === 'http:' && !isLoopback(hostOf(hostname))) {
    warn(`the token goes to ${url} unencrypted, readable on the network. Use https.`);
  }
  return { client: new ApiClient(url, { token: given ?? null }), save: null, isHere: false, key: null };
}

/** The peer at `url`, after it has proved that it wrote the note. */
async function proved(
  { token, proofKey, certificate, save }: RuntimeNote,
  url: string,
  owner: string,
): Promise<FoundPeer> {
  const client = new ApiClient(url, { token, certificate });
  if (!(await isWriter(client, proofKey))) {
    throw noRunningPeer(`The peer of ${owner} does not run: another program has its address ${url} now`);
  }
  // Only a file that this user alone could write proves that both are the same user.
  const own = await runtimeNote(url);
  return { client, save, isHere: true, key: own?.proofKey === proofKey ? own.localKey : null };
}

async function isWriter(client: ApiClient, proofKey: string): Promise<boolean> {
  const nonce = randomBytes(32).toString('hex');
  try {
    const signal = AbortSignal.timeout(proofMilliseconds);
    const response = await client.open(`/api/v1/proof?nonce=${nonce}`, { signal, withoutToken: true });
    const { remoteAddress = '', remotePort = 0 } = response.socket;
    const address = formatAddress({ host: withoutMapping(remoteAddress), port: remotePort });
    const { proof } = await client.json<{ readonly proof: unknown }>(response);
    return proof === proofOf(proofKey, nonce, address);
  } catch (error) {
    const isGone = error instanceof ChordialError && (error.code === 'no-running-peer' || error.code === 'unreachable');
    if (isGone || !(error instanceof ChordialError)) throw error;
    return false;
  }
}

/** The note of a peer of this user for the address; null when absent. */
async function runtimeNote(url: string): Promise<RuntimeNote | null> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostOf(hostname);
  const isOwn = isLoopback(host) || interfaceAddresses().includes(host);
  if (!isOwn) return null;
  const loopback = isLoopback(host) ? ['127.0.0.1', '::1', 'localhost'] : [];
  const number = Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port);
  for (const candidate of new Set([host, ...loopback, '0.0.0.0', '::'])) {
    const text = await readRuntimeFile(runtimeFile(formatAddress({ host: candidate, port: number }), runtimeSuffix));
    const note = text === null ? null : parseNote(text);
    if (note !== null && note.token !== null) return { ...note, token: note.token };
  }
  return null;
}

/** The note of a data folder, if it belongs to the peer at that address. */
async function noteOf(data: string, url: string, isNamed: boolean): Promise<RuntimeNote | null> {
  // A default folder is optional.
  const text = await textIn(path.join(data, noteFile)).catch((error: unknown) => {
    if (isNamed) throw error;
    return null;
  });
  const note = text === null ? null : parseNote(text);
  if (note === null || note.url !== url) return null;
  return { ...note, token: (await textIn(path.join(data, tokenFile))) ?? '' };
}

/** `http://HOST:PORT`, `https://NAME`, or the HOST:PORT that `start --api` takes. */
function apiUrl(text: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url !== null && isHttp && url.hostname !== '' && url.pathname === '/') return url.origin;
  throw new ChordialError(
    'bad-usage',
    `--api ${JSON.stringify(text.slice(0, 261))} is not the address of an API. Give one such as http://127.0.0.1:8081.`,
  );
}

function hostOf(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

async function readNote(data: string): Promise<RunningPeerNote> {
  const text = await textIn(path.join(data, noteFile));
  if (text === null) throw noRunningPeer(`No peer runs on the data folder ${data}`);
  const note = parseNote(text);
  if (note !== null) return note;
  throw noRunningPeer(`${path.join(data, noteFile)} is broken, so the peer of ${data} cannot be found`);
}

type ReadNote = RunningPeerNote & { readonly token: string | null; readonly localKey: string | null };

function parseNote(text: string): ReadNote | null {
  try {
    const { url, proofKey, certificate, save, token, localKey } = JSON.parse(text) as Partial<
      Record<keyof RuntimeNote, unknown>
    >;
    if (typeof url !== 'string' || !URL.canParse(url) || typeof proofKey !== 'string') return null;
    return {
      url,
      proofKey,
      certificate: typeof certificate === 'string' ? certificate : null,
      save: typeof save === 'string' ? save : null,
      token: typeof token === 'string' ? token : null,
      localKey: typeof localKey === 'string' ? localKey : null,
    };
  } catch {
    return null;
  }
}

/** The trimmed text of a small file; null when absent. */
async function textIn(file: string): Promise<string | null> {
  try {
    return (await readSmallFile(file, maxNoteBytes)).toString().trim();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new ChordialError(
      'unreadable-file',
      `${file} cannot be read (${message}). Make it readable for this user, or name the peer with --api URL and give its token in CHORDIAL_API_TOKEN.`,
      {
        cause: error,
      },
    );
  }
}
