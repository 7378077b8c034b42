/** Puts and gets of files by path, which the peer carries out itself; for programs on its own machine. */
import path from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { TransferRequest, TransferStatus, Transfers } from '../transfer/transfers.ts';
import { isFromThisMachine } from './access.ts';
import type { ApiContext } from './context.ts';
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
  readonly nonce?: string | null;
  readonly replicas?: number;
  /** Milliseconds. */
  readonly timeToLive?: number;
  readonly force?: boolean;
}

/** A caller that waits longer asks again. */
const maximumWaitMilliseconds = 30_000;

export function transferRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const start = { summary: 'Starts a put or get', body: startBody, response: { 201: schemas.transferStatus } };
  app.post<{ Body: StartBody }>('/api/v1/transfers', { schema: start }, async (request, reply) => {
    checkIsHere(request);
    return reply.code(201).send(await peer().transfers.start(transferRequest(request.body)));
  });

  const list = { summary: 'Transfers, running and past', response: { 200: schemas.transferList } };
  app.get('/api/v1/transfers', { schema: list }, async () => ({ transfers: peer().transfers.list() }));

  const one = {
    summary: 'One transfer; with `wait`, answered when it ends or after so many milliseconds',
    params: schemas.transferParameter,
    querystring: schemas.query({
      wait: { type: 'integer', minimum: 0, maximum: maximumWaitMilliseconds, default: 0 },
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
      properties: { state: { enum: ['paused', 'running'] } },
      required: ['state'],
      additionalProperties: false,
    },
    response: { 200: schemas.transferStatus },
  };
  app.patch<TransferRoute & { Body: { state: 'paused' | 'running' } }>(
    '/api/v1/transfers/:id',
    { schema: change },
    async ({ params: { id }, body }) => {
      const { transfers } = peer();
      known(transfers, id);
      return body.state === 'paused' ? transfers.pause(id) : transfers.resume(id);
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
    path: { type: 'string', minLength: 1, maxLength: 4096, description: 'Absolute, on the machine of the peer' },
    nonce: { type: ['string', 'null'], maxLength: 256, description: 'get: what PATH.part holds' },
    replicas: schemas.replicasField,
    timeToLive: { type: 'integer', minimum: 1, description: 'Milliseconds' },
    force: { type: 'boolean' },
  },
  required: ['kind', 'path'],
  additionalProperties: false,
} as const;

function transferRequest(body: StartBody): TransferRequest {
  const { kind, nonce = null, replicas, timeToLive, force } = body;
  if (!path.isAbsolute(body.path)) {
    throw new ChordialError('bad-request', `The path ${JSON.stringify(body.path)} is relative. Give an absolute one.`);
  }
  if (kind === 'get' && nonce === null) {
    throw new ChordialError(
      'bad-request',
      'A get needs a nonce: create PATH.part, write the nonce into it and send the same one, so that the peer knows that you may write there.',
    );
  }
  return {
    kind,
    reference: referenceOf(body),
    path: body.path,
    nonce,
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

/** Paths mean the peer's machine; a caller elsewhere would read and write files there that are not its own. */
function checkIsHere(request: FastifyRequest): void {
  if (isFromThisMachine(request.raw)) return;
  throw new ChordialError(
    'forbidden-origin',
    'Transfers by path are for programs on the machine of the peer. Stream the bytes with PUT or GET /api/v1/files/NAME.',
  );
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
