/** Puts through the API: the body streams into the network, and one that is cut off publishes nothing. */
import type { FastifyInstance } from 'fastify';
import { putResult } from '../client/answers.ts';
import { nameParameter, replicasField } from '../client/operations.ts';
import { fields } from '../client/schema.ts';
import { checkedAttributes } from '../content/attributes.ts';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ConditionalChanges, currentOf, etagOf, evaluateConditions, isConditional } from '../http/conditions.ts';
import { bodyOf, checkNotMultipart } from '../http/request-body.ts';
import { parseDuration } from '../peer/quantities.ts';
import type { PutOptions } from '../transfer/files.ts';
import { decodeFolder } from '../transfer/folder-stream.ts';
import type { ApiContext } from './context.ts';
import { readsPassphrase, sealedOf, sealedQuery } from './passphrase.ts';

interface PutRoute {
  Params: { name: string };
  Querystring: {
    replicas?: number;
    ttl?: string;
    modified?: number;
    executable?: boolean;
    sealed?: boolean;
    to?: string;
  };
}

/** Needs its own scope: bodies are not parsed here, whatever their type. */
export function uploadRoutes(scope: FastifyInstance, { peer }: ApiContext): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));

  const put = {
    summary: 'Puts the body into the network under this name',
    params: nameParameter,
    querystring: fields({ ...copies, ...attributes, ...sealedQuery }),
    reads: {
      ...readsPassphrase,
      'If-None-Match': '* puts only if no file has this name',
      'If-Match': 'ETags: puts only if one of them is the current content of the name',
    },
    consumes: ['application/octet-stream'],
    response: { 201: putResult },
  };
  const changes = new ConditionalChanges();
  scope.put<PutRoute>('/api/v1/files/:name', { schema: put, config }, async (request, reply) => {
    const name = checkName(request.params.name);
    const { modified = null, executable } = request.query;
    checkNotMultipart(request, 'Send the bytes of the file alone, as "curl -T FILE URL" does.');
    const running = peer();
    const { files } = running;
    const { id } = running.status('none');
    const check = async () => {
      if (isConditional(request)) evaluateConditions(request, await currentOf(files, { name }, id));
    };
    await check();
    const given = new AbortController();
    // A request that was answered has nothing left to abort.
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) given.abort();
    });
    const size = Number(request.headers['content-length'] ?? Number.NaN);
    let endTurn: (() => void) | null = null;
    // Evaluated again before the name changes: another request may have put it while this body arrived.
    async function* body(): AsyncGenerator<Uint8Array> {
      yield* bodyOf(request.raw);
      if (!isConditional(request)) return;
      endTurn = await changes.turn(name);
      await check();
    }
    try {
      const result = await files.put(name, body(), {
        signal: given.signal,
        ...(Number.isSafeInteger(size) ? { size } : {}),
        ...optionsOf(request.query),
        ...sealedOf(request, request.query),
        attributes: checkedAttributes(modified, executable),
      });
      const location = `/api/v1/files/${encodeURIComponent(result.name)}`;
      return await reply.code(201).header('Location', location).header('ETag', etagOf(result)).send(result);
    } finally {
      (endTurn as (() => void) | null)?.();
    }
  });

  const putFolder = {
    summary: 'Puts a folder into the network under this name, sent as one stream (src/transfer/folder-stream.ts)',
    params: nameParameter,
    querystring: fields({ ...copies, sealed: sealedQuery.sealed }),
    consumes: ['application/octet-stream'],
    response: { 201: putResult },
  };
  scope.put<PutRoute>('/api/v1/folders/:name', { schema: putFolder }, async (request, reply) => {
    const name = checkName(request.params.name);
    checkNotMultipart(request, 'Send a folder as "chordial put DIR" does.');
    const given = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) given.abort();
    });
    const items = decodeFolder(bodyOf(request.raw));
    const result = await peer().files.putFolder(name, items, {
      signal: given.signal,
      ...optionsOf(request.query),
      ...sealedOf(request, request.query),
    });
    const location = `/api/v1/files/${encodeURIComponent(result.name)}`;
    return reply.code(201).header('Location', location).header('ETag', etagOf(result)).send(result);
  });

  const importCar = {
    summary: 'Imports a CARv1: the file or folder of its root under this name, its blocks as they are',
    params: nameParameter,
    querystring: fields({
      ...copies,
      root: { type: 'string', maxLength: 1024, description: 'CID, where the CAR has several roots or none' },
    }),
    consumes: ['application/vnd.ipld.car', 'application/octet-stream'],
    response: { 201: putResult },
  };
  scope.put<CarRoute>('/api/v1/cars/:name', { schema: importCar }, async (request, reply) => {
    const name = checkName(request.params.name);
    checkNotMultipart(request, 'Send the bytes of the CAR alone, as "curl -T FILE URL" does.');
    const given = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) given.abort();
    });
    const { root } = request.query;
    const size = Number(request.headers['content-length'] ?? Number.NaN);
    const result = await peer().files.putCar(name, bodyOf(request.raw), {
      signal: given.signal,
      ...optionsOf(request.query),
      ...(root === undefined ? {} : { root: parseCid(root) }),
      ...(Number.isSafeInteger(size) ? { size } : {}),
    });
    const location = `/api/v1/files/${encodeURIComponent(result.name)}`;
    return reply.code(201).header('Location', location).header('ETag', etagOf(result)).send(result);
  });
}

interface CarRoute {
  Params: { name: string };
  Querystring: { replicas?: number; ttl?: string; root?: string };
}

const config = { handlesConditions: true } as const;
const copies = {
  replicas: replicasField,
  ttl: { type: 'string', description: 'Such as 12h or 7d', maxLength: 32 },
} as const;
const attributes = {
  modified: { type: 'integer', minimum: 0, description: 'When the file was changed last, in milliseconds since 1970' },
  executable: { type: 'boolean', description: 'Whether the file is executable' },
};

function optionsOf({ replicas, ttl }: PutRoute['Querystring']): Pick<PutOptions, 'replicas' | 'timeToLive'> {
  return {
    ...(replicas === undefined ? {} : { replicas }),
    ...(ttl === undefined ? {} : { timeToLive: parseDuration(ttl, 'ttl') }),
  };
}
