/** Folders of this machine that are shared in place. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './context.ts';
import * as schemas from './schemas.ts';

interface ShareRoute {
  Body: { path: string };
}

interface AddRoute {
  Body: { path: string; others?: boolean };
}

/** As the systems have it. */
const maximumPathCharacters = 4096;

export function shareRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const body = {
    type: 'object',
    properties: { path: { type: 'string', minLength: 1, maxLength: maximumPathCharacters, description: 'Absolute' } },
    required: ['path'],
    additionalProperties: false,
  };
  const list = { summary: 'Shared folders and how far they are indexed', response: { 200: schemas.shareList } };
  app.get('/api/v1/shares', { schema: list }, async () => ({ shares: peer().shares.list() }));

  const add = {
    summary: 'Shares a folder or file of this machine, which stays where it is',
    body: {
      ...body,
      properties: {
        ...body.properties,
        others: {
          type: 'boolean',
          description:
            'Also what belongs to other users than the folder or lies on other devices; kept as it was if not given',
        },
      },
    },
    response: { 201: schemas.share },
  };
  app.post<AddRoute>('/api/v1/shares', { schema: add }, async (request, reply) =>
    reply.code(201).send(await peer().shares.add(request.body.path, request.body.others)),
  );

  const remove = { summary: 'Ends a share; the files stay', body, response: { 200: schemas.share } };
  app.delete<ShareRoute>('/api/v1/shares', { schema: remove }, async (request) =>
    peer().shares.remove(request.body.path),
  );
}
