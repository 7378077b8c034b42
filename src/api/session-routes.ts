/** Sign-in of a browser, and how a command verifies the peer that it talks to. */
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import { isSecure } from './access.ts';
import type { ApiContext } from './context.ts';
import * as schemas from './schemas.ts';
import { proofOf, serverAddress } from './sessions.ts';

interface ProofRoute {
  Querystring: { nonce: string };
}

export function sessionRoutes(app: FastifyInstance, { access, proofKey }: ApiContext): void {
  const open = { isOpen: true };

  const proof = {
    summary: 'Proves that this is the peer that wrote the note of a data or runtime folder; needs no token',
    querystring: schemas.query({ nonce: { type: 'string', pattern: '^[0-9a-f]{32,128}$' } }, ['nonce']),
    response: { 200: schemas.proof },
  };
  app.get<ProofRoute>(
    '/api/v1/proof',
    { schema: proof, config: open, exposeHeadRoute: false },
    async (request, reply) => {
      reply.header('Cache-Control', 'no-store');
      return { proof: proofOf(proofKey, request.query.nonce, serverAddress(request.socket)) };
    },
  );

  const link = {
    summary: 'A token for a link to the page, good once and for ten minutes: http://HOST:PORT/#t=TOKEN',
    response: { 201: schemas.pageLink },
  };
  app.post('/api/v1/session/links', { schema: link }, async (_request, reply) => {
    const { token, expires } = access().sessions.issue();
    return reply.code(201).send({ token, expires: new Date(expires).toISOString(), origin: access().origin });
  });

  const begin = {
    summary: 'Trades the token of a link, or that of the API, for a cookie',
    body: {
      type: 'object',
      properties: { token: { type: 'string', minLength: 1, maxLength: 1024 } },
      required: ['token'],
      additionalProperties: false,
    },
  };
  app.post<{ Body: { token: string } }>('/api/v1/session', { schema: begin, config: open }, async (request, reply) => {
    const { sessions } = access();
    if (!sessions.redeem(request.body.token)) {
      throw new ChordialError(
        'token-required',
        'The link was used already, is older than ten minutes, or is none of this peer. Get a new one with "chordial open".',
      );
    }
    return reply
      .code(204)
      .header('Set-Cookie', sessions.cookie(request.raw, isSecure(request.raw, access())))
      .send();
  });

  const end = { summary: 'Ends what the cookie of this browser allows' };
  app.delete('/api/v1/session', { schema: end }, async (request, reply) =>
    reply
      .code(204)
      .header('Set-Cookie', access().sessions.ended(isSecure(request.raw, access())))
      .send(),
  );
}
