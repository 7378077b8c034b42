/** The other peers as this one sees them, and counters. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import * as schemas from './schemas.ts';

interface BrowseRoute {
  Params: { id: string };
  Querystring: { cursor?: string };
}

interface CallRoute {
  Params: { id: string };
  Body: { name: string | null };
}

export function peerRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const peers = { summary: 'Peers with liveness and last heartbeat', response: { 200: schemas.peerList } };
  app.get('/api/v1/peers', { schema: peers }, async () => ({ peers: peer().peers() }));

  const call = {
    summary: 'What you call a peer, in place of what it calls itself; null takes it back',
    params: { type: 'object', properties: { id: { type: 'string', maxLength: 128 } }, required: ['id'] },
    body: {
      type: 'object',
      properties: { name: { type: ['string', 'null'], maxLength: 256 } },
      required: ['name'],
      additionalProperties: false,
    },
    response: { 200: schemas.calledPeer },
  };
  app.put<CallRoute>('/api/v1/peers/:id/name', { schema: call }, async ({ params: { id }, body: { name } }) => ({
    id,
    name: await peer().callPeer(id, name),
  }));

  const files = {
    summary: 'What a peer publishes and shares, asked of itself, page by page',
    params: { type: 'object', properties: { id: { type: 'string', maxLength: 128 } }, required: ['id'] },
    querystring: schemas.query({ cursor: schemas.cursorQuery }),
    response: { 200: schemas.browsedFiles },
  };
  app.get<BrowseRoute>('/api/v1/peers/:id/files', { schema: files }, async ({ params, query }) =>
    peer().browse(params.id, schemas.pageAfter(query.cursor)),
  );

  const stats = { summary: 'Counts of transfers and peers', response: { 200: schemas.stats } };
  app.get('/api/v1/stats', { schema: stats }, async () => {
    const { members, hosts } = peer().status();
    return {
      uptimeSeconds: process.uptime(),
      residentBytes: process.memoryUsage.rss(),
      members,
      hosts,
      transfers: countStates(peer().transfers.list()),
      peers: countStates(peer().peers()),
      bytesReceived: peer().traffic().received,
      bytesSent: peer().traffic().sent,
      queries: peer()
        .search.recent()
        .map(({ time, ...query }) => ({ ...query, time: new Date(time).toISOString() })),
    };
  });
}

function countStates(things: readonly { readonly state: string }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of things) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
