/** Shares and searches at the API of a peer. */
import type { ShownHit } from '../../src/peer/shown-hit.ts';
import type { ShareStatus } from '../../src/sharing/shared-folders.ts';
import type { PeerProcess } from './peer-process.ts';

export interface SearchEnd {
  readonly state: string;
  readonly missed: number;
  readonly problem: { readonly code: string; readonly detail: string } | null;
}

export interface Found extends SearchEnd {
  readonly hits: readonly ShownHit[];
}

const shareMilliseconds = 60_000;
const searchMilliseconds = 60_000;

/** Throws what the peer answered when it refuses. */
export async function shareFolder(peer: PeerProcess, folder: string): Promise<void> {
  await post(peer, '/api/v1/shares', { path: folder, key: await peer.key() }, shareMilliseconds);
}

export async function sharesOf(peer: PeerProcess): Promise<readonly ShareStatus[]> {
  return (await peer.json<{ shares: ShareStatus[] }>('/api/v1/shares')).shares;
}

/** All hits, read as they come, until the search ends. */
export async function search(peer: PeerProcess, query: string, mode: 'words' | 'broadcast' = 'words'): Promise<Found> {
  const { queryId } = (await post(peer, '/api/v1/search', { query, mode }, searchMilliseconds)) as { queryId: string };
  const response = await peer.request(`/api/v1/search/${queryId}`, {
    headers: { Accept: 'text/event-stream' },
    signal: AbortSignal.timeout(searchMilliseconds),
  });
  // A file comes again when more is known of it.
  const hits = new Map<string, ShownHit>();
  for (const event of (await response.text()).split('\n\n')) {
    const [kind = '', data = ''] = event.split('\n').map((line) => line.slice(line.indexOf(': ') + 2));
    if (kind === 'hit') {
      const hit = JSON.parse(data) as ShownHit;
      hits.set(`${hit.cid} ${hit.name}`, hit);
    }
    if (kind === 'end') return { ...(JSON.parse(data) as SearchEnd), hits: [...hits.values()] };
  }
  throw new Error(`${peer.apiUrl}: the stream of ${JSON.stringify(query)} broke off`);
}

async function post(peer: PeerProcess, route: string, body: object, milliseconds: number): Promise<unknown> {
  const response = await peer.request(route, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(milliseconds),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${peer.apiUrl}: POST ${route}: ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}
