/** Shares and searches at one host's API. */
import type { ShownHit } from '../../src/peer/shown-hit.ts';
import type { ShareStatus } from '../../src/sharing/shared-folders.ts';
import type { TortureHost } from './host.ts';

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
export async function shareFolder(host: TortureHost, folder: string): Promise<void> {
  await post(host, '/api/v1/shares', { path: folder, key: await host.process.key() }, shareMilliseconds);
}

export async function sharesOf(host: TortureHost): Promise<readonly ShareStatus[]> {
  return (await host.process.json<{ shares: ShareStatus[] }>('/api/v1/shares')).shares;
}

/** All hits, read as they come, until the search ends. */
export async function search(host: TortureHost, query: string, mode: 'words' | 'broadcast' = 'words'): Promise<Found> {
  const { queryId } = (await post(host, '/api/v1/search', { query, mode }, searchMilliseconds)) as { queryId: string };
  const response = await host.process.request(`/api/v1/search/${queryId}`, {
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
  throw new Error(`${host.name}: the stream of ${JSON.stringify(query)} broke off`);
}

async function post(host: TortureHost, route: string, body: object, milliseconds: number): Promise<unknown> {
  const response = await host.process.request(route, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(milliseconds),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${host.name}: POST ${route}: ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}
