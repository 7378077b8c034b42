/**
 * How commands find a running peer and come by its token: a note in its data folder and one in the runtime folder of its user,
 * both written by `start`. The token goes to no address but those, and there only after the peer has proved that it wrote the
 * note: any program may take the port of a peer that has died.
 */
import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { proofOf } from '../api/sessions.ts';
import { ChordialError } from '../errors.ts';
import { formatAddress, interfaceAddresses, isLoopback, withoutMapping } from '../network/addresses.ts';
import { defaultDataFolder } from '../node/configuration.ts';
import { parsePath } from '../node/quantities.ts';
import { readRuntimeFile, removeRuntimeFile, runtimeFile, writeRuntimeFile } from '../storage/runtime-folder.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { tokenFile } from './api-token.ts';
import { ApiClient, noRunningPeer } from './client.ts';
import { note as warn } from './output.ts';

export interface RunningPeerNote {
  readonly url: string;
  /** Hexadecimal: with it the peer proves that the note is its own. */
  readonly proofKey: string;
  /** In PEM, where the API speaks TLS. */
  readonly certificate: string | null;
  /** Absolute path of the folder that `get` saves to. */
  readonly save: string | null;
}

/** In the runtime folder, where no data folder is known. */
interface RuntimeNote extends RunningPeerNote {
  readonly token: string;
  /** Shows the peer that a command runs as its own user. */
  readonly localKey: string | null;
}

export interface PeerOptions {
  readonly data?: string;
  readonly api?: string;
}

export interface FoundPeer {
  readonly client: ApiClient;
  readonly save: string | null;
  /** Peer and command are of one machine and see the same files. */
  readonly isHere: boolean;
  /** Shows the peer that this command runs as its own user on its machine; null where that is not so. */
  readonly key: string | null;
}

const noteFile = 'running-peer.json';
const runtimeSuffix = '.api';
/** What has the port of a peer may answer nothing at all. */
const proofMilliseconds = 10_000;
/** An address, a path and certificates. */
const maxNoteBytes = 64 * 1024;

/** Leaves the notes of a peer whose API is bound to `address`; returns how to remove them. `failed` hears that only one could be written. */
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

/** The peer at `url`, after it has shown that it wrote the note. */
async function proved(
  { token, proofKey, certificate, save }: RuntimeNote,
  url: string,
  owner: string,
): Promise<FoundPeer> {
  const client = new ApiClient(url, { token, certificate });
  if (!(await isWriter(client, proofKey))) {
    throw noRunningPeer(`The peer of ${owner} does not run: another program has its address ${url} now`);
  }
  // Only what this very user could write says that both are the same one.
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

/** What a peer of this user left for the address; null where there is none. */
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

/** The note of a data folder, if it is of the peer at that address. */
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

/** The trimmed text of a small file; null when there is none. */
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
