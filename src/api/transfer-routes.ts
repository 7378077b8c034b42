/** Puts and gets of local paths, carried out by the peer; for programs on its machine. */
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { FileMark } from '../transfer/file-mark.ts';
import type { TransferRequest, TransferStatus, Transfers } from '../transfer/transfers.ts';
import type { ApiContext } from './context.ts';
import { checkIsOfSameUser, localKeyField, markField } from './local-key.ts';
import * as schemas from './schemas.ts';

interface TransferRoute {
  Params: { id: string };
}

interface StartBody {
  readonly kind: 'put' | 'get';
  readonly name?: string;
  readonly cid?: string;
  readonly publisher?: string;
  readonly path: string;
  readonly key: string;
  readonly mark: FileMark;
  readonly isAttended?: boolean;
  readonly replicas?: number;
  /** Milliseconds. */
  readonly timeToLive?: number;
  readonly force?: boolean;
}

/** A caller that waits longer polls again. */
const maxWaitMilliseconds = 30_000;

export function transferRoutes(app: FastifyInstance, context: ApiContext): void {
  const { peer } = context;
  const start = { summary: 'Starts a put or get', body: startBody, response: { 201: schemas.transferStatus } };
  app.post<{ Body: StartBody }>('/api/v1/transfers', { schema: start }, async (request, reply) => {
    checkIsOfSameUser(request, request.body.key, context);
    return reply.code(201).send(await peer().transfers.start(transferRequest(request.body)));
  });

  const list = { summary: 'Transfers, running and past', response: { 200: schemas.transferList } };
  app.get('/api/v1/transfers', { schema: list }, async () => ({ transfers: peer().transfers.list() }));

  const one = {
    summary: 'One transfer; with `wait`, answered when it ends or after so many milliseconds',
    params: schemas.transferParameter,
    querystring: schemas.query({
      wait: { type: 'integer', minimum: 0, maximum: maxWaitMilliseconds, default: 0 },
    }),
    response: { 200: schemas.transferStatus },
  };
  app.get<TransferRoute & { Querystring: { wait: number } }>('/api/v1/transfers/:id', { schema: one }, (request) =>
    waitFor(peer().transfers, request.params.id, request.query.wait),
  );

  const change = {
    summary: 'Pauses or resumes a transfer',
    params: schemas.transferParameter,
    body: {
      type: 'object',
      properties: { state: { enum: ['paused', 'running'] }, isAttended: { type: 'boolean' } },
      required: ['state'],
      additionalProperties: false,
    },
    response: { 200: schemas.transferStatus },
  };
  app.patch<TransferRoute & { Body: { state: 'paused' | 'running'; isAttended?: boolean } }>(
    '/api/v1/transfers/:id',
    { schema: change },
    async ({ params: { id }, body }) => {
      const { transfers } = peer();
      known(transfers, id);
      return body.state === 'paused' ? transfers.pause(id) : transfers.resume(id, body.isAttended);
    },
  );

  const cancel = { summary: 'Ends a transfer and removes what it has half written', params: schemas.transferParameter };
  app.delete<TransferRoute>('/api/v1/transfers/:id', { schema: cancel }, async ({ params: { id } }, reply) => {
    const { transfers } = peer();
    known(transfers, id);
    await transfers.cancel(id);
    return reply.code(204).send();
  });
}

const startBody = {
  type: 'object',
  properties: {
    kind: { enum: ['put', 'get'] },
    name: { type: 'string' },
    cid: { type: 'string' },
    publisher: schemas.publisherQuery,
    path: {
      type: 'string',
      minLength: 1,
      maxLength: 4096,
      description: 'Absolute, without links, on the machine of the peer',
    },
    key: localKeyField,
    mark: {
      ...markField,
      description:
        'put: of the file; get: of an empty file beside it that the caller has made, named "." and the first 32 hexadecimal digits of the SHA-256 of the last part of the path and ".part"',
    },
    isAttended: { type: 'boolean', description: 'Paused when its state is not requested for 15 s' },
    replicas: schemas.replicasField,
    timeToLive: { type: 'integer', minimum: 1, description: 'Milliseconds' },
    force: { type: 'boolean' },
  },
  required: ['kind', 'path', 'key', 'mark'],
  additionalProperties: false,
} as const;

function transferRequest(body: StartBody): TransferRequest {
  const { kind, mark, isAttended, replicas, timeToLive, force } = body;
  if (!path.isAbsolute(body.path)) {
    throw new ChordialError('bad-request', `The path ${JSON.stringify(body.path)} is relative. Give an absolute one.`);
  }
  return {
    kind,
    reference: referenceOf(body),
    path: body.path,
    mark,
    ...(isAttended === undefined ? {} : { isAttended }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(timeToLive === undefined ? {} : { timeToLive }),
    ...(force === undefined ? {} : { force }),
  };
}

/** put: the name itself. get: a CID, `name:NAME` or `name:NAME@PUBLISHER`. */
function referenceOf({ kind, name, cid, publisher }: StartBody): string {
  if ((name === undefined) === (cid === undefined)) {
    throw new ChordialError('bad-request', 'Give either a name or a cid, not both and not neither.');
  }
  if (cid !== undefined) return parseCid(cid).toString();
  const checked = checkName(name ?? '');
  if (kind === 'put') return checked;
  return publisher === undefined ? `name:${checked}` : `name:${checked}@${publisher}`;
}

async function waitFor(transfers: Transfers, id: string, milliseconds: number): Promise<TransferStatus> {
  const status = known(transfers, id);
  if (status.state !== 'running' || milliseconds === 0) return status;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), milliseconds);
  try {
    return await transfers.wait(id, patience.signal);
  } catch (error) {
    if (!patience.signal.aborted) throw error;
    return known(transfers, id);
  } finally {
    clearTimeout(timer);
  }
}

function known(transfers: Transfers, id: string): TransferStatus {
  const status = transfers.get(id);
  if (status !== null) return status;
  throw new ChordialError('not-found', `There is no transfer ${JSON.stringify(id)}. GET /api/v1/transfers lists them.`);
}
