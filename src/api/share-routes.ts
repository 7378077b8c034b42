/** Folders of this machine shared in place. */
import { stat } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import { type FileMark, isMarked } from '../transfer/file-mark.ts';
import { fileError } from '../transfer/local-file.ts';
import type { ApiContext } from './context.ts';
import { checkIsOfSameUser, isOfOwnPage, localKeyField, markField } from './local-key.ts';
import * as schemas from './schemas.ts';

interface ShareRoute {
  Body: { path: string };
}

interface AddRoute {
  Body: { path: string; others?: boolean; key?: string; mark?: FileMark };
}

/** Limits of common systems. */
const maxPathCharacters = 4096;

export function shareRoutes(app: FastifyInstance, context: ApiContext): void {
  const { peer, checkIsHere } = context;
  const body = {
    type: 'object',
    properties: { path: { type: 'string', minLength: 1, maxLength: maxPathCharacters, description: 'Absolute' } },
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
        key: { ...localKeyField, description: `${localKeyField.description}; the page of the peer sends none` },
        mark: markField,
        others: {
          type: 'boolean',
          description:
            'Also what belongs to other users than the folder or lies on other devices; kept as it was if not given',
        },
      },
    },
    response: { 201: schemas.share },
  };
  app.post<AddRoute>('/api/v1/shares', { schema: add }, async (request, reply) => {
    const { key, path, others, mark } = request.body;
    if (key !== undefined || !isOfOwnPage(request, context)) checkIsOfSameUser(request, key ?? '', context);
    if (mark !== undefined) await checkIsMeant(path, mark);
    return reply.code(201).send(await peer().shares.add(path, others));
  });

  const remove = { summary: 'Ends a share; the files stay', body, response: { 200: schemas.share } };
  app.delete<ShareRoute>('/api/v1/shares', { schema: remove }, async (request) => {
    checkIsHere(request, 'Shares');
    return peer().shares.remove(request.body.path);
  });
}

async function checkIsMeant(path: string, mark: FileMark): Promise<void> {
  try {
    if (isMarked(await stat(path, { bigint: true }), mark)) return;
  } catch (cause) {
    throw fileError('unreadable-file', path, cause);
  }
  throw new ChordialError(
    'unreadable-file',
    `The peer sees something else at ${path} than its caller does. Share it by the path that it has where the peer runs.`,
  );
}
