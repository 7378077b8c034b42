/**
 * `/c/NUMBER`: passes the messages of a receiver on to a member that keeps the code. Neither the words nor what they
 * lead to pass this door unencrypted.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type BeginBody, beginOf, type ConfirmBody, confirmOf } from '../../codes/code-json.ts';
import { ChordialError } from '../../errors.ts';
import { Failures } from '../failures.ts';
import { codeRate } from '../limits.ts';
import type { DoorContext } from '../service.ts';

const wrong = 'words of codes';
const asked = 'codes asked for';
const text = { type: 'string', maxLength: 128 } as const;
const place = { type: 'integer', minimum: 0, maximum: 16 } as const;
const turn = { type: 'object', properties: { sender: place, guardian: place }, required: ['sender', 'guardian'] };
const params = { type: 'object', properties: { number: { type: 'integer', minimum: 1, maximum: 999 } } };
const began = {
  type: 'object',
  properties: { session: text, point: text, turn },
  required: ['session', 'point', 'turn'],
};
const confirmed = {
  type: 'object',
  properties: { guardian: text, exchange: text, confirmation: text },
  required: ['guardian', 'exchange', 'confirmation'],
};

export function codeRoutes(app: FastifyInstance, { peer, failures }: DoorContext): void {
  const exchanges = new Failures({ rate: codeRate });
  app.post<{ Params: { number: number }; Body: BeginBody }>(
    '/c/:number',
    { schema: { params, body: began } },
    async (request) => {
      exchanges.check(request, asked);
      exchanges.count(request, asked);
      return beginOf(peer().codes, request.params.number, request.body);
    },
  );
  app.post<{ Body: ConfirmBody }>('/c/:number/confirm', { schema: { params, body: confirmed } }, async (request) => {
    failures.check(request, wrong);
    return counted(request, () => confirmOf(peer().codes, request.body), failures);
  });
}

async function counted<T>(request: FastifyRequest, confirm: () => Promise<T>, failures: Failures): Promise<T> {
  try {
    return await confirm();
  } catch (error) {
    if (error instanceof ChordialError && error.code === 'wrong-code') failures.count(request, wrong);
    throw error;
  }
}
