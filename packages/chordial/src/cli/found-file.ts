/** Looks up a name or CID before anything is fetched. */

import type { IncomingHttpHeaders } from 'node:http';
import { checkedAttributes, type FileAttributes } from '../content/attributes.ts';
import { cidIn } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { FileReference } from '../transfer/files.ts';
import { splitPublisher } from '../transfer/of-publisher.ts';
import type { ApiClient } from './client.ts';

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
}

/** Throws `not-found`. */
export async function findFile(client: ApiClient, reference: FileReference): Promise<Found> {
  const { headers } = await client.open(routeOf(reference), { method: 'HEAD' });
  return foundIn(headers, reference, client.url);
}

/** Parses the headers of a content response. */
export function foundIn(headers: IncomingHttpHeaders, reference: FileReference, url: string): Found {
  const cid = String(headers['x-chordial-cid'] ?? '');
  if (cid === '') throw new ChordialError('internal', `${url} does not tell the CID. Is it a Chordial peer?`);
  const publisher = headers['x-chordial-publisher'];
  const name = headers['x-chordial-name'];
  const publisherName = headers['x-chordial-publisher-name'];
  // The peer splits NAME@PEER, since it knows the names of peers.
  const isSplit =
    reference.name !== undefined && typeof name === 'string' && decodeURIComponent(name) !== reference.name;
  return {
    reference:
      isSplit && typeof publisher === 'string' ? { name: decodeURIComponent(String(name)), publisher } : reference,
    cid,
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

/** The route of the bytes. */
export function routeOf({ cid, name = '', publisher }: FileReference): string {
  if (cid !== undefined) return `/api/v1/content/${cid}`;
  const query = publisher === undefined ? '' : `?publisher=${encodeURIComponent(publisher)}`;
  return `/api/v1/files/${encodeURIComponent(name)}${query}`;
}
