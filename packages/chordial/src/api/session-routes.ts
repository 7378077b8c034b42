/** Sign-in of a browser, and how a command verifies the peer that it talks to. */
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import { isSecure } from './access.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';
import { proofOf, serverAddress } from './sessions.ts';

export function sessionRoutes(app: FastifyInstance, { access, proofKey }: ApiContext): void {
  const open = { isOpen: true };

  serve(
    app,
    'GET /api/v1/proof',
    async (request, reply) => {
      reply.header('Cache-Control', 'no-store');
      return { proof: proofOf(proofKey, request.query.nonce, serverAddress(request.socket)) };
    },
    { config: open, exposeHeadRoute: false },
  );

  serve(app, 'POST /api/v1/session/links', async (_request, reply) => {
    const { token, expires } = access().sessions.issue();
    return reply.code(201).send({ token, expires: new Date(expires).toISOString(), origin: access().origin });
  });

  serve(
    app,
    'POST /api/v1/session',
    async (request, reply) => {
      const { sessions } = access();
      if (!sessions.redeem(request.body.token)) {
        throw new ChordialError(
          'token-required',
          'The link was already used, is older than ten minutes, or belongs to another peer. Get a new one with "chordial open".',
        );
      }
      return reply
        .code(204)
        .header('Set-Cookie', sessions.cookie(request.raw, isSecure(request.raw, access())))
        .send();
    },
    { config: open },
  );

  serve(app, 'DELETE /api/v1/session', async (request, reply) =>
    reply
      .code(204)
      .header('Set-Cookie', access().sessions.ended(isSecure(request.raw, access())))
      .send(),
  );
}
