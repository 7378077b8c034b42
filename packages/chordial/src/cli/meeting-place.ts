/** Where a receiver asks: the peer of this machine, or a door, which needs no trust: what is exchanged proves itself. */
import type { IncomingMessage } from 'node:http';
import type { LinkedContent } from '../client/answers.ts';
import type { BeginBody, ConfirmBody } from '../codes/code-json.ts';
import { ChordialError } from '../errors.ts';
import { listenOnLan } from '../lan/listen.ts';
import type { LinkId } from '../links/link-address.ts';
import { formatAddress } from '../network/addresses.ts';
import { ApiClient } from './client.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';

/** A door that says nothing. */
const answerMilliseconds = 20_000;
const maxDoorsOnLan = 8;

export const ownNetwork = 'own';

export interface StoredRange {
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
}

export interface MeetingPlace {
  /** For messages. */
  readonly name: string;
  /** Places of one network answer for the same codes. */
  readonly network: string;
  begin(number: number, body: BeginBody): Promise<unknown>;
  confirm(number: number, body: ConfirmBody): Promise<unknown>;
  /** Rejects with `token-required` or `wrong-password` for a link with a password. */
  content(id: LinkId): Promise<LinkedContent>;
  /** Bytes of the ZIP in which a folder comes. */
  zipBytes(id: LinkId): Promise<number>;
  /** Some of the bytes stored. */
  bytes(id: LinkId, content: LinkedContent, range: StoredRange): Promise<IncomingMessage>;
}

/** The peer of this machine; null while none runs. */
export async function ownPeer(options: PeerOptions): Promise<MeetingPlace | null> {
  try {
    const { client } = await findPeer(options);
    return {
      name: 'the peer of this machine',
      network: ownNetwork,
      begin: (number, body) => client.call('POST /api/v1/codes/{number}', { path: { number }, body }),
      confirm: (number, body) => client.call('POST /api/v1/codes/{number}/confirm', { path: { number }, body }),
      content: (id) => client.call('GET /api/v1/links/{id}/content', { path: { id } }),
      zipBytes: () => Promise.reject(new ChordialError('bad-usage', 'It is a folder: give the URL of a link to it.')),
      bytes: (_, { cid, size }, { signal, ...range }) =>
        client.open(`/api/v1/content/${cid}`, { headers: headersFor(range, size), signal }),
    };
  } catch (error) {
    const isNamed = options.data !== undefined || options.api !== undefined;
    if (isNamed || !(error instanceof ChordialError)) throw error;
    return null;
  }
}

export interface DoorAccess {
  /** Whether its certificate has to prove who it is, since nothing else does. */
  readonly isTrusted: boolean;
  readonly network?: string;
  /** Of the link. */
  readonly password?: string;
}

export function doorAt(url: string, { isTrusted, network = url, password }: DoorAccess): MeetingPlace {
  const client = new ApiClient(url, { token: null, isUnchecked: !isTrusted });
  const own =
    password === undefined ? {} : { Authorization: `Basic ${Buffer.from(`:${password}`).toString('base64')}` };
  const post = (route: string, body: unknown) => {
    const text = JSON.stringify(body);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
    return answered(client, (signal) => client.open(route, { method: 'POST', headers, body: text, signal }));
  };
  const place: MeetingPlace = {
    name: url,
    network,
    begin: (number, body) => post(`/c/${number}`, body),
    confirm: (number, body) => post(`/c/${number}/confirm`, body),
    content: (id) => {
      const headers = { ...own, Accept: 'application/json' };
      return answered(client, (signal) => client.open(`/s/${id}`, { headers, signal }));
    },
    zipBytes: async (id) => {
      const signal = AbortSignal.timeout(answerMilliseconds);
      const { headers } = await reached(client, client.open(`/s/${id}`, { method: 'HEAD', headers: own, signal }));
      return Number(headers['content-length'] ?? Number.NaN);
    },
    bytes: (id, { size }, { signal, ...range }) =>
      reached(client, client.open(`/s/${id}`, { headers: { ...own, ...headersFor(range, size) }, signal })),
  };
  return place;
}

/** A door given as HOST:PORT or URL: by TLS, or without where it has none. */
export function doorsAt(given: string): readonly MeetingPlace[] {
  const text = given.replace(/\/+$/, '');
  const urls = /^https?:\/\//i.test(text) ? [text] : [`https://${text}`, `http://${text}`];
  const origins = urls.map((url) => URL.parse(url)?.origin);
  if (origins.some((origin, at) => origin === undefined || new URL(urls[at]!).pathname !== '/'))
    throw new ChordialError(
      'bad-usage',
      `${JSON.stringify(given)} is no door. Give HOST:PORT, such as 192.0.2.7:8443.`,
    );
  return origins.map((origin) => doorAt(origin!, { isTrusted: false, network: text }));
}

/** Doors heard on the LAN; the first of each network first. */
export async function doorsOnLan(): Promise<readonly MeetingPlace[]> {
  const { heard } = await listenOnLan();
  const found = heard.flatMap(({ door, addresses, tag }) =>
    door === null
      ? []
      : addresses.map((host) => {
          const url = `${door.scheme}://${formatAddress({ host, port: door.port })}`;
          return doorAt(url, { isTrusted: false, network: tag ?? url });
        }),
  );
  return found.slice(0, maxDoorsOnLan);
}

async function answered<T>(client: ApiClient, open: (signal: AbortSignal) => Promise<IncomingMessage>): Promise<T> {
  const signal = AbortSignal.timeout(answerMilliseconds);
  try {
    return await client.json<T>(await reached(client, open(signal)));
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new ChordialError('unreachable', `The door ${client.url} does not answer.`, { cause: error });
  }
}

/** A door that is away is no peer that does not run. */
async function reached(client: ApiClient, response: Promise<IncomingMessage>): Promise<IncomingMessage> {
  try {
    return await response;
  } catch (error) {
    const isAway = error instanceof ChordialError && error.code === 'no-running-peer';
    if (!isAway) throw error;
    throw new ChordialError('unreachable', `No door answers at ${client.url}. See whether the address is right.`, {
      cause: error,
    });
  }
}

function headersFor({ start, end }: Omit<StoredRange, 'signal'>, size: number): Readonly<Record<string, string>> {
  return start === 0 && end === size ? {} : { Range: `bytes=${start}-${end - 1}` };
}
