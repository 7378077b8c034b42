/** Members of the network: listing, removal, admins. */
import type { FastifyInstance } from 'fastify';
import type { ListedMember } from '../network/members.ts';
import type { ApiContext } from './context.ts';
import * as schemas from './schemas.ts';

interface MemberRoute {
  Params: { member: string };
}

interface RemoveRoute extends MemberRoute {
  Querystring: { purge?: boolean; admitted?: boolean };
}

const member = {
  type: 'object',
  properties: { member: { type: 'string', maxLength: 128, description: 'Name, or id or part of it' } },
  required: ['member'],
} as const;

export function memberRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const list = {
    summary: 'Members of the network, waiting and removed ones too',
    response: { 200: schemas.memberList },
  };
  app.get('/api/v1/members', { schema: list }, async () => {
    const { admission } = peer().membership;
    const own = peer().status('none').id;
    return {
      admission,
      openInvites: peer().openInvites(),
      members: peer()
        .members()
        .map((one) => shownMember(one, own)),
    };
  });

  const remove = {
    summary: 'Removes a member for good; where it is an admin, more than half of them must say so',
    params: member,
    querystring: schemas.query({
      purge: { type: 'boolean', description: 'Also hides what it published and frees the blocks' },
      admitted: { type: 'boolean', description: 'Together with the members that it let in' },
    }),
    response: { 200: schemas.changedMembers },
  };
  app.delete<RemoveRoute>('/api/v1/members/:member', { schema: remove }, async ({ params, query }) =>
    peer().changeMember('remove', params.member, {
      purge: query.purge ?? false,
      withAdmitted: query.admitted ?? false,
    }),
  );

  const admit = {
    summary: 'Admits one that waits because its invite was used up',
    params: member,
    response: { 200: schemas.changedMembers },
  };
  app.put<MemberRoute>('/api/v1/members/:member/admission', { schema: admit }, async ({ params }) =>
    peer().changeMember('admit', params.member),
  );

  const add = {
    summary: 'Makes a member an admin, once more than half of the admins have said so',
    params: member,
    response: { 200: schemas.changedMembers },
  };
  app.put<MemberRoute>('/api/v1/members/:member/admin', { schema: add }, async ({ params }) =>
    peer().changeMember('add-admin', params.member),
  );

  const end = {
    summary: 'Makes an admin a plain member, once more than half of the admins have said so',
    params: member,
    response: { 200: schemas.changedMembers },
  };
  app.delete<MemberRoute>('/api/v1/members/:member/admin', { schema: end }, async ({ params }) =>
    peer().changeMember('remove-admin', params.member),
  );

  const recover = {
    summary: 'Replaces all admins by one member, with the recovery key of the network',
    body: {
      type: 'object',
      properties: {
        key: { type: 'string', maxLength: 256, description: 'As printed when the network was founded' },
        member: { type: 'string', maxLength: 128, description: 'Name, or id or part of it; this peer by default' },
      },
      required: ['key'],
      additionalProperties: false,
    },
    response: { 200: schemas.changedMembers },
  };
  app.post<{ Body: { key: string; member?: string } }>(
    '/api/v1/members/recovery',
    { schema: recover },
    async ({ body }) => peer().recover(body.key, body.member ?? null),
  );
}

function shownMember(member: ListedMember, own: string) {
  const { host, admittedAt, admittedBy, firstSeenAt, lastSeenAt, ...told } = member;
  return {
    id: host,
    ...told,
    isSelf: host === own,
    admittedAt: timeOf(admittedAt),
    admittedBy,
    firstSeenAt: timeOf(firstSeenAt),
    lastSeenAt: timeOf(lastSeenAt),
  };
}

function timeOf(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
