/** Looks up a name or CID before anything is fetched. */

import type { IncomingHttpHeaders } from 'node:http';
import { checkedAttributes, type FileAttributes } from '../content/attributes.ts';
import { cidIn, parseContentPath } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { FileReference } from '../transfer/files.ts';
import { splitPublisher } from '../transfer/of-publisher.ts';
import type { ApiClient } from './client.ts';
import { passphraseHeaders } from './passphrase.ts';

export interface Found {
  readonly reference: FileReference;
  readonly cid: string;
  readonly type: 'file' | 'directory';
  /** Bytes; for a folder those of all its files. */
  readonly size: number;
  readonly publisher: string | null;
  readonly publisherName: string | null;
  readonly others: number;
  readonly attributes: FileAttributes;
  /** Its name in the network, of a sealed file that was opened. */
  readonly sealed: string | null;
  /** The name that its publisher gave it; null by CID. */
  readonly name: string | null;
}

/** Throws `not-found`. */
export async function findFile(
  client: ApiClient,
  reference: FileReference,
  isRaw = false,
  path: string | null = null,
): Promise<Found> {
  const whole = routeOf(reference);
  const route = path === null ? whole : `${whole}${whole.includes('?') ? '&' : '?'}path=${encodeURIComponent(path)}`;
  const raw = isRaw && reference.cid === undefined ? `${route.includes('?') ? '&' : '?'}raw=true` : '';
  const { headers } = await client.open(route + raw, {
    method: 'HEAD',
    headers: passphraseHeaders(reference.passphrase),
  });
  const found = foundIn(headers, reference, client.url);
  // By its content: the name is that of the folder.
  if (path !== null) return { ...found, reference: { cid: found.cid }, name: path.slice(path.lastIndexOf('/') + 1) };
  return isRaw ? { ...found, reference: { cid: found.cid } } : found;
}

/** Parses the headers of a content response. */
export function foundIn(headers: IncomingHttpHeaders, reference: FileReference, url: string): Found {
  const cid = String(headers['x-chordial-cid'] ?? '');
  if (cid === '') throw new ChordialError('internal', `${url} does not tell the CID. Is it a Chordial peer?`);
  const publisher = headers['x-chordial-publisher'];
  const name = headers['x-chordial-name'];
  const publisherName = headers['x-chordial-publisher-name'];
  const sealed = typeof headers['x-chordial-sealed'] === 'string' ? headers['x-chordial-sealed'] : null;
  // The peer splits NAME@PEER, since it knows the names of peers.
  const isSplit =
    reference.name !== undefined && typeof name === 'string' && decodeURIComponent(name) !== reference.name;
  return {
    reference:
      isSplit && typeof publisher === 'string'
        ? { ...reference, name: sealed ?? decodeURIComponent(String(name)), publisher }
        : reference,
    cid,
    sealed,
    name: typeof name === 'string' ? decodeURIComponent(name) : null,
    type: headers['x-chordial-type'] === 'directory' ? 'directory' : 'file',
    size: Number(headers['x-chordial-size'] ?? headers['content-length'] ?? 0),
    publisher: publisher === undefined ? null : String(publisher),
    publisherName: typeof publisherName === 'string' ? decodeURIComponent(publisherName) : null,
    others: Number(headers['x-chordial-others'] ?? 0),
    attributes: checkedAttributes(
      Number(headers['x-chordial-modified'] ?? Number.NaN),
      headers['x-chordial-executable'] === 'true',
    ),
  };
}

/** Throws `bad-name`. */
export function parseReference(argument: string): FileReference {
  const isForced = argument.startsWith('name:');
  const cid = isForced ? null : cidIn(argument);
  if (cid !== null) return { cid: cid.toString() };
  const text = isForced ? argument.slice('name:'.length) : argument;
  const { name, publisher } = splitPublisher(text);
  return { name: checkName(name), ...(publisher === null ? {} : { publisher }) };
}

/**
 * `FOLDER/PATH`, `FOLDER@PEER/PATH`, `CID/PATH`, `ipfs://CID/PATH` or `/ipfs/CID/PATH`: the folder and the path below it; null for
 * a whole one. Throws `bad-cid` for an address without a CID.
 */
export function splitPath(argument: string): { readonly whole: string; readonly path: string | null } {
  if (/^(?:ipfs:\/\/|\/ipfs\/)/i.test(argument)) {
    const { cid, path } = parseContentPath(argument);
    return { whole: cid.toString(), path: path.length === 0 ? null : path.join('/') };
  }
  const [whole = '', ...below] = argument.replace(/\/+$/, '').split('/');
  if (below.length === 0 || whole === '') return { whole: argument, path: null };
  return { whole, path: below.join('/') };
}

/** The route of the bytes. */
export function routeOf({ cid, name = '', publisher, isOpened }: FileReference): string {
  if (cid !== undefined) return `/api/v1/content/${cid}${isOpened ? '?open=true' : ''}`;
  const query = publisher === undefined ? '' : `?publisher=${encodeURIComponent(publisher)}`;
  return `/api/v1/files/${encodeURIComponent(name)}${query}`;
}
