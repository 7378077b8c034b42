/** The peer itself: its place on the ring, storage, lookups, joining and leaving. */
import type { FastifyInstance } from 'fastify';
import { parseAddress } from '../network/addresses.ts';
import { maxUses } from '../network/admission.ts';
import type { InviteWish, ShownFingers } from '../node/peer.ts';
import type { ApiContext } from './context.ts';
import * as schemas from './schemas.ts';

interface StorageRoute {
  Querystring: { role: 'primary' | 'replica'; cursor?: string };
}

const dayMilliseconds = 86_400_000;
const defaultInviteMilliseconds = 7 * dayMilliseconds;
const inviteLifetime = { type: 'integer', minimum: 60_000, maximum: 366 * dayMilliseconds } as const;

export function nodeRoutes(app: FastifyInstance, { peer, address, afterLeave }: ApiContext): void {
  // The peer knows the configured API address; only the socket knows the real port.
  const status = (fingers: ShownFingers) => ({ ...peer().status(fingers), api: address() });

  const node = {
    summary: 'Id, place, neighbours and fingers of this peer',
    querystring: schemas.query({
      fingers: {
        enum: ['all', 'distinct', 'none'],
        default: 'all',
        description: 'distinct: only the first of each run of fingers that are the same member; none is for polling',
      },
    }),
    response: { 200: schemas.nodeStatus },
  };
  app.get<{ Querystring: { fingers: ShownFingers } }>('/api/v1/node', { schema: node }, async ({ query }) =>
    status(query.fingers),
  );

  const storage = {
    summary: 'What this peer holds, page by page',
    querystring: schemas.query({
      role: { enum: ['primary', 'replica'], default: 'primary' },
      cursor: schemas.cursorQuery,
    }),
    response: { 200: schemas.storageListing },
  };
  app.get<StorageRoute>('/api/v1/storage', { schema: storage }, async ({ query: { role, cursor } }) =>
    peer().storage(role, schemas.pageAfter(cursor)),
  );

  const lookup = {
    summary: 'Who owns a name, a CID or key:HEX',
    params: { type: 'object', properties: { wanted: { type: 'string' } }, required: ['wanted'] },
    response: { 200: schemas.lookupResult },
  };
  app.get<{ Params: { wanted: string } }>('/api/v1/lookup/:wanted', { schema: lookup }, async ({ params }) =>
    peer().lookup(params.wanted),
  );

  const join = {
    summary: 'Joins the ring of the peer at this address',
    body: {
      type: 'object',
      properties: { address: { type: 'string', description: 'HOST:PORT' } },
      required: ['address'],
      additionalProperties: false,
    },
    response: { 200: schemas.nodeStatus },
  };
  app.post<{ Body: { address: string } }>('/api/v1/node/join', { schema: join }, async ({ body }) => {
    parseAddress(body.address);
    await peer().join(body.address);
    return status('all');
  });

  const invite = {
    summary: 'A line that lets others in, as often and as long as it says',
    body: {
      type: ['object', 'null'],
      properties: {
        timeToLive: { ...inviteLifetime, description: 'Milliseconds; 7 days by default' },
        uses: {
          type: 'integer',
          minimum: 1,
          maximum: maxUses,
          description: 'Members that it lets in; 1 by default',
        },
        rights: {
          type: 'array',
          items: { type: 'string', enum: ['store', 'publish', 'invite'] },
          maxItems: 3,
          description: 'What they may do; store and publish by default',
        },
      },
      additionalProperties: false,
    },
    response: { 201: schemas.invited },
  };
  app.post<{ Body: Partial<InviteWish> | null }>('/api/v1/invites', { schema: invite }, async ({ body }, reply) => {
    const wish: Partial<InviteWish> = body ?? {};
    const { timeToLive = defaultInviteMilliseconds, uses = 1, rights = ['store', 'publish'] } = wish;
    return reply.code(201).send(peer().invite({ timeToLive, uses, rights }));
  });

  const leave = {
    summary: 'Leaves for good, after handing over everything',
    body: { type: ['object', 'null'], properties: { force: { type: 'boolean' } }, additionalProperties: false },
  };
  app.post<{ Body: { force?: boolean } | null }>('/api/v1/node/leave', { schema: leave }, async ({ body }, reply) => {
    await peer().leave(body?.force ?? false);
    reply.raw.once('finish', afterLeave);
    return reply.code(204).send();
  });
}
