/** Folders of this machine shared in place. */
import { stat } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import { machineFolders } from '../peer/machine-folders.ts';
import { type FileMark, isMarked } from '../transfer/file-mark.ts';
import { fileError } from '../transfer/local-file.ts';
import type { ApiContext } from './context.ts';
import { checkMayNamePaths } from './local-key.ts';
import { serve } from './serve.ts';

export function shareRoutes(app: FastifyInstance, context: ApiContext): void {
  const { peer, checkIsHere } = context;
  serve(app, 'GET /api/v1/shares', async () => ({ shares: peer().shares.list() }));

  // No GET: browsers send its Origin only from elsewhere, and the key must not be in a URL.
  serve(app, 'POST /api/v1/machine/folders', async (request) => {
    const { key, path = null, hidden } = request.body;
    checkMayNamePaths(request, key, context);
    return machineFolders(path, hidden);
  });

  serve(app, 'POST /api/v1/shares', async (request, reply) => {
    const { key, path, others, mark } = request.body;
    checkMayNamePaths(request, key, context);
    if (mark !== undefined) await checkIsMeant(path, mark);
    return reply.code(201).send(await peer().shares.add(path, others));
  });

  serve(app, 'DELETE /api/v1/shares', async (request) => {
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
    `The peer sees a different file at ${path} than its caller. Share it by its path on the peer's side.`,
  );
}
