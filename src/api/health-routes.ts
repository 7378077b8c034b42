/** Liveness and readiness probes: is it serving, is it a member. */
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

export function healthRoutes(app: FastifyInstance, { isReady }: ApiContext): void {
  // Probes of an orchestrator carry no token, and learn only yes or no.
  const config = { isOpen: true };

  serve(
    app,
    'GET /healthz',
    async () => ({
      status: 'serving',
    }),
    { config },
  );

  serve(
    app,
    'GET /readyz',
    async () => {
      if (isReady()) return { status: 'member' };
      throw new ChordialError(
        'not-a-member',
        'The peer is serving but not a member of a ring (yet). Ask again in a moment.',
      );
    },
    { config },
  );
}
