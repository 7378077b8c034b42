/** Tokens of services at the door. */
import type { FastifyInstance } from 'fastify';
import type { Token } from '../peer/tokens.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

export function tokenRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/tokens', async () => ({ tokens: peer().tokens.list().map(shown) }));

  serve(app, 'POST /api/v1/tokens', async ({ body }, reply) => {
    const { for: scope, readOnly: isReadOnly = false, timeToLive = null } = body;
    const { text, ...token } = await peer().tokens.create({ scope, isReadOnly, timeToLive });
    return reply.code(201).send({ ...shown(token), token: text });
  });

  serve(app, 'DELETE /api/v1/tokens/{id}', async ({ params }, reply) => {
    await peer().tokens.remove(params.id);
    return reply.code(204).send();
  });
}

function shown({ id, scope, isReadOnly, created, expires, used }: Token) {
  const time = (milliseconds: number | null) => (milliseconds === null ? null : new Date(milliseconds).toISOString());
  return {
    id,
    for: scope,
    readOnly: isReadOnly,
    created: time(created) ?? '',
    expires: time(expires),
    used: time(used),
  };
}
