/** Puts and gets of local paths, carried out by the peer; for programs on its machine. */
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { PartOf } from '../client/operations.ts';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { FileReference } from '../transfer/files.ts';
import type { TransferRequest, TransferStatus, Transfers } from '../transfer/transfers.ts';
import type { ApiContext } from './context.ts';
import { checkIsOfSameUser } from './local-key.ts';
import { serve } from './serve.ts';

type TransferBody = PartOf<'POST /api/v1/transfers', 'body'>;

export function transferRoutes(app: FastifyInstance, context: ApiContext): void {
  const { peer } = context;
  serve(app, 'POST /api/v1/transfers', async (request, reply) => {
    checkIsOfSameUser(request, request.body.key, context);
    return reply.code(201).send(await peer().transfers.start(transferRequest(request.body)));
  });

  serve(app, 'GET /api/v1/transfers', async () => ({ transfers: peer().transfers.list() }));

  serve(app, 'GET /api/v1/transfers/{id}', (request) =>
    waitFor(peer().transfers, request.params.id, request.query.wait),
  );

  serve(app, 'PATCH /api/v1/transfers/{id}', async ({ params: { id }, body }) => {
    const { transfers } = peer();
    known(transfers, id);
    return body.state === 'paused' ? transfers.pause(id) : transfers.resume(id, body.isAttended);
  });

  serve(app, 'DELETE /api/v1/transfers/{id}', async ({ params: { id } }, reply) => {
    const { transfers } = peer();
    known(transfers, id);
    await transfers.cancel(id);
    return reply.code(204).send();
  });
}

function transferRequest(body: TransferBody): TransferRequest {
  const { kind, mark, isAttended, replicas, timeToLive, force, sealed } = body;
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
    ...(sealed === undefined ? {} : { sealed }),
  };
}

function referenceOf({ kind, name, cid, publisher, passphrase, isOpened }: TransferBody): FileReference {
  const secret = passphrase === undefined ? {} : { passphrase };
  if ((name === undefined) === (cid === undefined)) {
    throw new ChordialError('bad-request', 'Give either a name or a cid, not both and not neither.');
  }
  if (cid !== undefined)
    return { cid: parseCid(cid).toString(), ...secret, ...(isOpened === undefined ? {} : { isOpened }) };
  const checked = checkName(name ?? '');
  if (kind === 'put') return { name: checked };
  return {
    name: checked,
    ...(publisher === undefined ? {} : { publisher }),
    ...secret,
  };
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
