/** Members of the network: listing, invites, rights, removal, admins. */
import type { FastifyInstance } from 'fastify';
import type { InviteWish } from '../peer/peer.ts';
import { shownListedMember } from '../peer/shown.ts';
import type { ApiContext } from './context.ts';
import { serve } from './serve.ts';

const defaultInviteMilliseconds = 7 * 86_400_000;

export function memberRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/members', async ({ query }) => {
    const running = peer();
    const { id: own, zone } = running.status('none');
    const reports = query.report ? await running.reports() : null;
    const zones = new Map([[own, zone], ...running.peers().map((one) => [one.id, one.zone] as const)]);
    return {
      admission: running.membership.admission,
      openInvites: running.openInvites().length,
      members: running.members().map((one) => {
        const { name: shownName, petname } = running.called(one.host);
        const about = { shownName, petname, zone: zones.get(one.host) ?? null };
        return { ...shownListedMember(one, own), ...about, report: reports?.get(one.host) ?? null };
      }),
    };
  });

  serve(app, 'DELETE /api/v1/members/{member}', async ({ params, query }) =>
    peer().changeMember('remove', params.member, {
      purge: query.purge ?? false,
      withAdmitted: query.admitted ?? false,
    }),
  );

  serve(app, 'PATCH /api/v1/members/{member}', async ({ params, body }) => peer().grant(params.member, body));

  serve(app, 'GET /api/v1/invites', async () => {
    const running = peer();
    return { mayInvite: running.mayInvite(), invites: running.openInvites() };
  });

  serve(app, 'POST /api/v1/invites', async ({ body }, reply) => {
    const { timeToLive = defaultInviteMilliseconds, uses = 1, rights = ['store', 'publish'], ...wish } = body ?? {};
    return reply.code(201).send(peer().invite({ ...wish, timeToLive, uses, rights } as InviteWish));
  });

  serve(app, 'DELETE /api/v1/invites/{invite}', async ({ params }, reply) => {
    peer().takeBackInvite(params.invite);
    return reply.code(204).send();
  });

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
