/** Members of the network: listing, removal, admins. */
import type { FastifyInstance } from 'fastify';
import type { ListedMember } from '../network/members.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

export function memberRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/members', async () => {
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

  serve(app, 'DELETE /api/v1/members/{member}', async ({ params, query }) =>
    peer().changeMember('remove', params.member, {
      purge: query.purge ?? false,
      withAdmitted: query.admitted ?? false,
    }),
  );

  serve(app, 'PUT /api/v1/members/{member}/admission', async ({ params }) =>
    peer().changeMember('admit', params.member),
  );

  serve(app, 'PUT /api/v1/members/{member}/admin', async ({ params }) =>
    peer().changeMember('add-admin', params.member),
  );

  serve(app, 'DELETE /api/v1/members/{member}/admin', async ({ params }) =>
    peer().changeMember('remove-admin', params.member),
  );

  serve(app, 'POST /api/v1/members/recovery', async ({ body }) => peer().recover(body.key, body.member ?? null));
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
