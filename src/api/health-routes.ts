/** Liveness and readiness probes: is it serving, is it a member. */
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { ApiContext } from './context.ts';

export function healthRoutes(app: FastifyInstance, { isReady }: ApiContext): void {
  // Probes of an orchestrator carry no token, and learn only yes or no.
  const config = { isOpen: true };
  const answer = { 200: { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] } };

  app.get('/healthz', { schema: { summary: '200 when serving', response: answer }, config }, async () => ({
    status: 'serving',
  }));

  app.get('/readyz', { schema: { summary: '200 when a member of a ring', response: answer }, config }, async () => {
    if (isReady()) return { status: 'member' };
    throw new ChordialError(
      'not-a-member',
      'The peer is serving but not a member of a ring (yet). Ask again in a moment.',
    );
  });
}
