/** Putting a file through the API: the body streams into the network, and one that is cut off publishes nothing. */
import type { FastifyInstance } from 'fastify';
import { checkName } from '../content/name.ts';
import { parseDuration } from '../node/quantities.ts';
import type { ApiContext } from './context.ts';
import { bodyOf } from './request-body.ts';
import * as schemas from './schemas.ts';

interface PutRoute {
  Params: { name: string };
  Querystring: { replicas?: number; ttl?: string };
}

/** Needs a scope of its own: here no body is parsed, whatever its type. */
export function uploadRoutes(scope: FastifyInstance, { peer }: ApiContext): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));

  const put = {
    summary: 'Puts the body into the network under this name',
    params: schemas.nameParameter,
    querystring: schemas.query({ replicas: schemas.replicasField, ttl: schemas.timeToLiveField }),
    consumes: ['application/octet-stream'],
    response: { 201: schemas.putResult },
  };
  scope.put<PutRoute>('/api/v1/files/:name', { schema: put }, async (request, reply) => {
    const name = checkName(request.params.name);
    const { replicas, ttl } = request.query;
    const given = new AbortController();
    // One that was answered has nothing left to break off.
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) given.abort();
    });
    const size = Number(request.headers['content-length'] ?? Number.NaN);
    const result = await peer().files.put(name, bodyOf(request.raw), {
      signal: given.signal,
      ...(Number.isSafeInteger(size) ? { size } : {}),
      ...(replicas === undefined ? {} : { replicas }),
      ...(ttl === undefined ? {} : { timeToLive: parseDuration(ttl, 'ttl') }),
    });
    const location = `/api/v1/files/${encodeURIComponent(result.name)}`;
    return reply.code(201).header('Location', location).header('ETag', `"${result.cid}"`).send(result);
  });
}
