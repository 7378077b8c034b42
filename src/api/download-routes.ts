/** `/download/NAME`: a plain link to a file published by this peer (row A17). */
import type { FastifyInstance } from 'fastify';
import { nameParameter } from '../client/operations.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { sendContent } from './content-response.ts';
import type { ApiContext } from './context.ts';

interface DownloadRoute {
  Params: { name: string };
}

export function downloadRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const schema = {
    summary: 'A file that this peer publishes',
    params: nameParameter,
    produces: ['application/octet-stream', 'application/json'],
    isContent: true,
  };
  app.route<DownloadRoute>({
    method: ['GET', 'HEAD'],
    url: '/download/:name',
    schema,
    handler: async (request, reply) => {
      const { files, status } = pick(peer());
      const name = checkName(request.params.name);
      const entry = await files.resolve({ name, publisher: status.id });
      if (entry.publisher !== status.id) {
        throw new ChordialError(
          'not-found',
          `This peer publishes no ${JSON.stringify(name)}. Others may: ask for /api/v1/files/${encodeURIComponent(name)}.`,
        );
      }
      return sendContent(files, { entry, filename: name }, request, reply);
    },
  });
}

function pick(peer: ReturnType<ApiContext['peer']>) {
  return { files: peer.files, status: peer.status() };
}
