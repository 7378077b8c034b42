/** Uploads into a drop box: `/s/ID/.uploads` for the page of the box and tus clients, `curl -T FILE URL/` for terminals. */

import type { Http2ServerRequest } from 'node:http2';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkName } from '../../content/name.ts';
import { ChordialError } from '../../errors.ts';
import { bodyOf, checkBodyHeaders } from '../../http/request-body.ts';
import { resumableRoutes } from '../../http/resumable-routes.ts';
import type { Link, LinkedContent } from '../../links/link-record.ts';
import type { DropBox } from '../../peer/drop-boxes.ts';
import type { Peer } from '../../peer/peer.ts';
import type { Upload } from '../../transfer/uploads.ts';
import { nothingHere } from '../answers.ts';
import { policyOf } from '../frame.ts';
import { publishMilliseconds } from '../limits.ts';
import type { DoorContext } from '../service.ts';
import { dropPage, elsewherePage } from './drop-page.ts';
import { uploadScriptHash } from './upload-script.ts';
import type { Visits } from './visits.ts';

type Dropped = Extract<LinkedContent, { readonly type: 'drop' }>;

interface BoxRoute {
  Params: { id: string; '*'?: string };
}

const policy = policyOf([`script-src 'sha256-${uploadScriptHash}'`, "connect-src 'self'"]);

export class DropRoutes {
  readonly #context: DoorContext;
  readonly #visits: Visits;

  constructor(context: DoorContext, visits: Visits) {
    this.#context = context;
    this.#visits = visits;
  }

  declare(app: FastifyInstance): void {
    app.register(async (scope) =>
      resumableRoutes(scope, {
        url: '/s/:id/.uploads',
        uploads: () => this.#peer.uploads,
        create: async (request, file) => this.#peer.dropBoxes.create(await this.#boxOf(request), file),
        get: async (request, id) => this.#peer.dropBoxes.get(await this.#boxOf(request), id),
        append: async (request, id, { offset, body }) => {
          const publishing = () => waitFor(request);
          return this.#peer.dropBoxes.append(await this.#boxOf(request), id, { offset, body, publishing });
        },
        remove: async (request, id) => this.#peer.dropBoxes.remove(await this.#boxOf(request), id),
      }),
    );
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      const config = { streamsBody: true };
      scope.put<BoxRoute>('/s/:id/*', { config }, (request, reply) => this.#take(request, reply));
    });
  }

  /** The page of the box, at the door of its owner; others say where that is. */
  async page(reply: FastifyReply, link: Link, content: Dropped): Promise<FastifyReply> {
    reply.type('text/html; charset=utf-8').header('Content-Security-Policy', policy);
    const { from, expiry } = link;
    if (!this.#isOwn(link)) {
      const door = await this.#peer.doors.at(link.publisher);
      const url = door?.services.includes('links') === true ? `${door.url}/s/${link.id}` : null;
      return reply.code(url === null ? 503 : 200).send(elsewherePage({ from, expiry, url }));
    }
    const { bytes } = this.#peer.dropBoxes.taken({ id: link.id });
    const left = Math.max(0, content.most - bytes);
    return reply.send(dropPage({ from, expiry, left, id: link.id }));
  }

  /** The whole in one request: `curl -T photo.jpg https://DOOR/s/ID/`. */
  async #take(request: FastifyRequest<BoxRoute>, reply: FastifyReply): Promise<FastifyReply> {
    const box = await this.#boxOf(request);
    checkBodyHeaders(request, reply);
    const name = checkName(request.params['*'] ?? '');
    const length = request.headers['content-length'] ?? '';
    if (!/^\d{1,15}$/.test(length)) {
      throw new ChordialError(
        'bad-request',
        'Its length must be known before: send a file, as in "curl -T FILE URL/".',
      );
    }
    const { dropBoxes } = this.#peer;
    const upload = await dropBoxes.create(box, { name, size: Number(length), mark: null });
    let taken: Upload = upload;
    try {
      const publishing = () => waitFor(request);
      taken = await dropBoxes.append(box, upload.id, { offset: 0, body: bodyOf(request.raw), publishing });
    } catch (error) {
      // No one can go on with it.
      await dropBoxes.remove(box, upload.id).catch(() => undefined);
      throw error;
    }
    return reply.code(201).send(`${taken.size} bytes taken\n`);
  }

  /** Throws the one answer for what is no box of this peer, and for one whose password is missing. */
  async #boxOf(request: FastifyRequest): Promise<DropBox> {
    const { link, content } = await this.#visits.enter(request, (request.params as { id: string }).id);
    if (content === null)
      throw new ChordialError('token-required', 'This drop box has a password. Open its page first.');
    if (content.type !== 'drop' || !this.#isOwn(link)) throw nothingHere();
    return { id: link.id, folder: content.name, most: content.most };
  }

  #isOwn({ publisher }: Link): boolean {
    return publisher === this.#peer.status('none').id;
  }

  get #peer(): Peer {
    return this.#context.peer();
  }
}

/** Nothing moves on the connection while the file is put into the network. */
function waitFor({ raw }: FastifyRequest): void {
  const session = (raw as unknown as Partial<Http2ServerRequest>).stream?.session;
  if (session === undefined) raw.socket?.setTimeout(publishMilliseconds);
  else session.setTimeout(publishMilliseconds);
}
