/** What the network has under a name or CID, asked for before anything is fetched. */
import { ChordialError } from '../errors.ts';
import type { FileReference } from '../transfer/files.ts';
import { routeOf } from './argument.ts';
import type { ApiClient } from './client.ts';

export interface Found {
  readonly reference: FileReference;
  readonly cid: string;
  readonly type: 'file' | 'directory';
  /** Bytes; null for a folder. */
  readonly size: number | null;
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
    size: type === 'file' ? Number(headers['content-length'] ?? 0) : null,
    publisher: publisher === undefined ? null : String(publisher),
    others: Number(headers['x-chordial-others'] ?? 0),
  };
}
