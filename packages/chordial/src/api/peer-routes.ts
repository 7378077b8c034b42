/** The other peers as this one sees them, and counters. */

import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import { pageAfter, serve } from './serve.ts';

export function peerRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/peers', async ({ query }) => {
    const reports = query.report ? await peer().reports() : null;
    return {
      peers: peer()
        .peers()
        .map((one) => ({ ...one, report: reports?.get(one.id) ?? null })),
    };
  });

  serve(app, 'PUT /api/v1/peers/{id}/name', async ({ params: { id }, body: { name } }) => ({
    id,
    name: await peer().callPeer(id, name),
  }));

  serve(app, 'GET /api/v1/peers/{id}/files', async ({ params, query }) =>
    peer().browse(params.id, pageAfter(query.cursor)),
  );

  serve(app, 'GET /api/v1/stats', async () => {
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

/** The whole ring as known to this peer, for display. */
export function ringRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/ring', async () => ({ members: peer().ring() }));

  serve(app, 'GET /api/v1/ring/recording', async () => peer().ringRecording());

  serve(app, 'GET /api/v1/ring/digest', async () => peer().ringDigest());
}
