/** Codes: of this peer, and for receivers on this machine. */
import type { FastifyInstance } from 'fastify';
import { textOfCode } from '../codes/code.ts';
import { beginOf, confirmOf } from '../codes/code-json.ts';
import { encodeTarget, maxDoorsTold } from '../codes/code-target.ts';
import { ChordialError } from '../errors.ts';
import { parseLinkId } from '../links/link-address.ts';
import type { Peer } from '../peer/peer.ts';
import type { ApiContext } from './context.ts';
import { entryOf, linkedTo, shownLink } from './link-routes.ts';
import { serve } from './serve.ts';

const usualMilliseconds = 7 * 86_400_000;

export function codeRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'POST /api/v1/codes', async ({ body }, reply) => {
    const { timeToLive = usualMilliseconds, times = null, as, isCopy, ...wanted } = body;
    const running = peer();
    const { links, codes, doors } = running;
    const entry = await entryOf(running, wanted);
    const linked = { ...(await linkedTo(running, entry, as)), timeToLive };
    const link = await links.createLink(
      isCopy === true && entry.name !== null ? { ...linked, copy: entry.name } : linked,
    );
    try {
      const found = (await doors.find('links')).slice(0, maxDoorsTold).map(({ url }) => url);
      const target = encodeTarget({ path: link.path, doors: found });
      const made = await codes.make({ target, timeToLive, times });
      const [door = null] = found;
      return reply.code(201).send({
        code: textOfCode(made),
        expires: new Date(made.expiry).toISOString(),
        guardians: made.guardians.length,
        door,
        link: shownLink(link, door, running),
      });
    } catch (error) {
      await links.removeLink(link.id);
      if (isCopy === true && entry.name !== null) await running.files.remove(entry.name);
      throw error;
    }
  });

  serve(app, 'POST /api/v1/codes/{number}', async ({ params, body }) => beginOf(peer().codes, params.number, body));

  serve(app, 'POST /api/v1/codes/{number}/confirm', async ({ body }) => confirmOf(peer().codes, body));

  serve(app, 'GET /api/v1/links/{id}/content', async ({ params }) => contentOf(peer(), params.id));
}

/** As doors describe it. Throws `not-found` for all that leads to no bytes, and `token-required` for a link with a password. */
async function contentOf({ links }: Peer, idText: string) {
  const id = parseLinkId(idText);
  const link = id === null ? null : await links.readLink(id);
  if (link?.lock) throw new ChordialError('token-required', 'This link has a password. Give its URL at a door.');
  const content = link?.content ?? null;
  if (link === null || content === null || content.type === 'drop')
    throw new ChordialError('not-found', 'There is no such link: it was taken back, has expired, or never was.');
  const { type, name, size, root, sealedPart } = content;
  const sealed = sealedPart === null ? null : Buffer.from(sealedPart).toString('base64url');
  return {
    from: link.from,
    expires: new Date(link.expiry).toISOString(),
    type,
    name,
    sealed,
    size,
    cid: root.toString(),
  };
}
