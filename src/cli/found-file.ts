/** What the network has under a name or CID, asked for before anything is fetched. */
import { ChordialError } from '../errors.ts';
import type { FileReference } from '../transfer/files.ts';
import { routeOf } from './argument.ts';
import type { ApiClient } from './client.ts';

export interface Found {
  readonly reference: FileReference;
  readonly cid: string;
  readonly type: 'file' | 'directory';
  /** Bytes, of a folder those of all its files. */
  readonly size: number;
  readonly publisher: string | null;
  readonly others: number;
}

/** Throws `not-found`. */
export async function findFile(client: ApiClient, reference: FileReference): Promise<Found> {
  const { headers } = await client.open(routeOf(reference), { method: 'HEAD' });
  const cid = String(headers['x-chordial-cid'] ?? '');
  if (cid === '') throw new ChordialError('internal', `${client.url} does not tell the CID. Is it a Chordial peer?`);
  const type = headers['x-chordial-type'] === 'directory' ? 'directory' : 'file';
  const publisher = headers['x-chordial-publisher'];
  return {
    reference,
    cid,
    type,
    size: Number(headers[type === 'file' ? 'content-length' : 'x-chordial-size'] ?? 0),
    publisher: publisher === undefined ? null : String(publisher),
    others: Number(headers['x-chordial-others'] ?? 0),
  };
}
