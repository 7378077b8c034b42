/** The whole ring as known to this peer, for display. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import * as schemas from './schemas.ts';

export function ringRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const ring = {
    summary: 'Every member that this peer knows of and believes alive, in ring order; hearsay, unlike /api/v1/node',
    response: { 200: schemas.ringMembers },
  };
  app.get('/api/v1/ring', { schema: ring }, async () => ({ members: peer().ring() }));

  const digest = {
    summary: 'The same in a few bytes, for polling: peers that give one digest and are all right are one ring',
    response: { 200: schemas.ringDigest },
  };
  app.get('/api/v1/ring/digest', { schema: digest }, async () => peer().ringDigest());
}
