/** `/s/ID`: what a link leads to, as a page for people and as bytes for programs. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ContentKind } from '../../content/content-kind.ts';
import { ChordialError } from '../../errors.ts';
import { etagOf, evaluateConditions } from '../../http/conditions.ts';
import { ContentKinds, hasTooManyPixels } from '../../http/content-kinds.ts';
import { disposition, sendBytes } from '../../http/file-bytes.ts';
import { FolderListings } from '../../http/folder-listing.ts';
import { readPage, sendPageFile } from '../../http/page-files.ts';
import { Zips } from '../../http/zips.ts';
import { linkPath, pathSegment } from '../../links/link-address.ts';
import type { Link, LinkedContent } from '../../links/link-record.ts';
import { systemClock } from '../../network/system-clock.ts';
import type { DirectoryEntry, Files, ReadRange } from '../../transfer/files.ts';
import { isForPerson, nothingHere } from '../answers.ts';
import { pagePolicy, policyOf } from '../frame.ts';
import { maxPasswordFormBytes, previewMilliseconds, shownTextBytes } from '../limits.ts';
import { type DoorContext, type DoorService, originOf } from '../service.ts';
import { DropRoutes } from './drop-routes.ts';
import { type Crumb, filePage, folderPage, passwordPage, sealedPage } from './link-pages.ts';
import { Visits } from './visits.ts';

interface LinkRoute {
  Params: { id: string; '*'?: string };
  Querystring: { download?: string; view?: string; page?: string };
  Body: unknown;
}

type Asked = FastifyRequest<LinkRoute>;
type Stored = Exclude<LinkedContent, { readonly type: 'drop' }>;

interface Opened {
  readonly link: Link;
  readonly content: Stored;
  /** Who asks has left. */
  readonly signal: AbortSignal;
}

/** A file or folder that the link leads to, by the path behind its id. */
interface Found {
  readonly link: Link;
  readonly signal: AbortSignal;
  readonly entry: DirectoryEntry;
  readonly name: string;
  /** Of the page, without origin. */
  readonly path: string;
  readonly crumbs: readonly Crumb[];
}

export const linkService: DoorService = {
  name: 'links',
  routes: (app, context) => new LinkRoutes(context).declare(app),
};

class LinkRoutes {
  readonly #context: DoorContext;
  readonly #visits: Visits;
  readonly #drops: DropRoutes;
  readonly #listings = new FolderListings();
  readonly #zips = new Zips();
  readonly #kinds = new ContentKinds();

  constructor(context: DoorContext) {
    this.#context = context;
    this.#visits = new Visits(context, systemClock);
    this.#drops = new DropRoutes(context, this.#visits);
  }

  declare(app: FastifyInstance): void {
    const options = { parseAs: 'string', bodyLimit: maxPasswordFormBytes } as const;
    app.addContentTypeParser('application/x-www-form-urlencoded', options, (_request, body, done) => done(null, body));
    for (const [name, file] of readPage()) {
      const [folder, own] = name.split('/');
      if (folder !== 'door' || own === undefined) continue;
      app.get(`/${own}`, async (request, reply) =>
        sendPageFile(request, reply.header('Content-Security-Policy', workerPolicy), file),
      );
    }
    this.#drops.declare(app);
    for (const url of ['/s/:id', '/s/:id/*']) {
      app.route<LinkRoute>({
        method: ['GET', 'HEAD'],
        url,
        handler: (request, reply) => this.#answer(request, reply).catch(forStrangers),
      });
      app.route<LinkRoute>({ method: 'POST', url, handler: (request, reply) => this.#unlock(request, reply) });
    }
  }

  async #answer(request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    // Before anything is awaited: who has left is not noticed later.
    const signal = closing(reply);
    const { link, content } = await this.#visits.enter(request, request.params.id);
    if (content === null) return this.#askPassword(request, reply, link);
    if (content.type === 'drop') return this.#drops.page(reply, link, content);
    // Whether it may be fetched at all; what counts is begun below.
    const probe = this.#links.beginFetch(link, true);
    if (probe === null) throw nothingHere();
    probe.ended({ bytes: 0, isComplete: false });
    const parts = partsOf(request);
    if (/\bapplication\/json\b/.test(request.headers.accept ?? '')) return describe(link, content, reply);
    if (content.name === null) return this.#answerSealed({ link, content, signal }, parts, request, reply);
    const [first = content.name, ...path] = parts;
    if (content.type === 'directory' && path.length === 0 && first === `${content.name}.zip`) {
      const found = await this.#find({ link, content, signal }, []);
      return isPage(request) ? this.#sendPage(found, request, reply) : this.#sendZip(found, request, reply);
    }
    if (first.normalize('NFC') !== content.name) throw nothingHere();
    const found = await this.#find({ link, content, signal }, path);
    if ('view' in request.query) return this.#sendView(found, request, reply);
    if (isPage(request)) return this.#sendPage(found, request, reply);
    return found.entry.type === 'directory'
      ? this.#sendZip(found, request, reply)
      : this.#sendFile(found, request, reply);
  }

  /** A page that opens it with the key of the address, or the age file. */
  async #answerSealed(
    { link, content, signal }: Opened,
    parts: readonly string[],
    request: Asked,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const isWhole = parts.length === 0;
    if (!isWhole && (parts.length > 1 || parts[0] !== sealedName)) throw nothingHere();
    if (isWhole && isPage(request) && content.sealedPart !== null) {
      const { id, from, expiry } = link;
      const page = sealedPage({ id, from, expiry, size: content.size, part: content.sealedPart });
      return sendHtml(reply, page, scriptPolicy);
    }
    const { root, size } = content;
    const entry = { path: '', cid: root.toString(), size, type: 'file' as const };
    const found = { link, signal, entry, name: `${link.id}.age`, path: `/s/${link.id}`, crumbs: [] };
    return this.#sendFile(found, request, reply);
  }

  async #unlock(request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const { link } = await this.#visits.enter(request, request.params.id);
    if (link.lock === null) throw nothingHere();
    const password = new URLSearchParams(typeof request.body === 'string' ? request.body : '').get('password') ?? '';
    try {
      await this.#visits.unlock(request, reply, link, password);
    } catch (error) {
      const isWrong = error instanceof ChordialError && error.code === 'wrong-password';
      if (!isWrong || !isForPerson(request)) throw error;
      return this.#sendForm(reply.code(403), link, 'This is not the password.');
    }
    // Again, as a page that may be reloaded, at the path of the cookie.
    return reply
      .code(303)
      .header('Location', [`/s/${link.id}`, ...partsOf(request).map(pathSegment)].join('/'))
      .send();
  }

  #askPassword(request: Asked, reply: FastifyReply, link: Link): FastifyReply {
    if (isForPerson(request)) return this.#sendForm(reply, link, null);
    throw new ChordialError('token-required', 'This link has a password. Give it with "curl -u :PASSWORD".');
  }

  #sendForm(reply: FastifyReply, { from, expiry }: Link, failure: string | null): FastifyReply {
    // By the strict policy browsers would not say that the form is of this door.
    return sendHtml(reply.header('Referrer-Policy', 'same-origin'), passwordPage({ from, expiry, failure }));
  }

  /** The entry at a path of a folder, or the content itself. */
  async #find({ link, content, signal }: Opened, path: readonly string[]): Promise<Found> {
    const name = content.name ?? '';
    const root = content.root.toString();
    const base = linkPath(link.id, { name, key: null });
    const own = { path: '', cid: root, size: content.size, type: content.type };
    const entry =
      path.length === 0 ? own : content.type === 'directory' ? await this.#files.entryAt(root, path, signal) : null;
    if (entry === null) throw nothingHere();
    const names = [name, ...path];
    const paths = names.map((_, index) => [base, ...path.slice(0, index).map(pathSegment)].join('/'));
    const crumbs = names.slice(0, -1).map((one, index) => ({ name: one, path: paths[index]! }));
    return { link, signal, entry, name: names.at(-1)!, path: paths.at(-1)!, crumbs };
  }

  async #sendPage(found: Found, request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const { link, signal, entry, name, path, crumbs } = found;
    const shown = {
      from: link.from,
      expiry: link.expiry,
      name,
      path,
      crumbs,
      origin: originOf(request, this.#context),
      hasPassword: link.lock !== null,
    };
    if (entry.type === 'directory') {
      const listed = await this.#listings.page(this.#files, entry.cid, pageNumber(request), signal);
      const size = crumbs.length === 0 ? entry.size : null;
      const zipPath = crumbs.length === 0 ? `${path}.zip` : path;
      return sendHtml(reply, folderPage({ ...shown, size, listed, zipPath, zipName: `${name}.zip` }));
    }
    // What is shown is fetched, and would count.
    const kind = link.times === null ? await this.#kindOf(entry, signal) : null;
    const isCut = entry.size > shownTextBytes;
    return sendHtml(reply, filePage({ ...shown, size: entry.size, kind, isCut }));
  }

  /** What a page shows, as the type that its bytes have. */
  async #sendView(found: Found, request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const { entry, link, name, signal } = found;
    const kind = entry.type === 'file' && link.times === null ? await this.#kindOf(entry, signal) : null;
    if (kind === null || kind.shown === 'text') return this.#sendFile(found, request, reply);
    reply.type(kind.type).header('Content-Disposition', disposition(name, 'inline'));
    return this.#sendBody(found, request, reply);
  }

  async #sendFile(found: Found, request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    if (found.entry.type !== 'file') throw nothingHere();
    reply.type('application/octet-stream').header('Content-Disposition', disposition(found.name));
    return this.#sendBody(found, request, reply);
  }

  async #sendBody({ link, entry, crumbs, signal }: Found, request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const current = { cid: entry.cid, time: null };
    reply.header('ETag', etagOf(current)).header('Content-Security-Policy', rawPolicy);
    if (evaluateConditions(request, current) === 'unchanged') return reply.code(304).send();
    // It sets its headers at once; when it resolves, a short answer has been sent.
    const sending = sendBytes(this.#files, entry, request, reply);
    if (!signal.aborted) this.#countFetch(link, reply, crumbs.length === 0 && reachesEnd(reply, entry.size));
    return sending;
  }

  async #sendZip(
    { link, entry, name, crumbs, signal }: Found,
    request: Asked,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const tag = { cid: `${entry.cid}.zip`, time: null };
    reply.type('application/zip').header('Content-Disposition', disposition(`${name}.zip`));
    reply.header('ETag', etagOf(tag)).header('Accept-Ranges', 'none').header('Content-Security-Policy', rawPolicy);
    if (evaluateConditions(request, tag) === 'unchanged') return reply.code(304).send();
    const folder = { ...entry, name, modified: link.created, executable: false };
    const length = await this.#zips.lengthOf(this.#files, folder, signal);
    reply.header('Content-Length', String(length.bytes));
    if (request.method === 'HEAD') return reply.send();
    const stream = await this.#zips.stream(this.#files, [folder], length, signal);
    if (!signal.aborted) this.#countFetch(link, reply, crumbs.length === 0);
    return reply.send(stream);
  }

  /** Tells what was fetched when the answer has ended. */
  #countFetch(link: Link, reply: FastifyReply, isWhole: boolean): void {
    const { raw } = reply;
    if (raw.req.method === 'HEAD') return;
    const fetch = this.#links.beginFetch(link, isWhole);
    // Begun by others since it was asked: nearly so many times.
    if (fetch === null) return;
    raw.once('close', () => {
      const isContent = raw.statusCode < 300;
      const isComplete = isContent && raw.writableFinished;
      const bytes = isComplete ? Number(reply.getHeader('content-length') ?? 0) : 1;
      fetch.ended({ bytes: isContent ? bytes : 0, isComplete });
    });
  }

  /** By the first bytes; null when they cannot be had soon. */
  async #kindOf({ cid, size }: DirectoryEntry, closed: AbortSignal): Promise<ContentKind | null> {
    const signal = AbortSignal.any([closed, AbortSignal.timeout(previewMilliseconds)]);
    const read = (range: ReadRange) => this.#files.read(cid, { ...range, size }, signal);
    try {
      const kind = await this.#kinds.of({ key: cid, size, most: shownTextBytes, read });
      // The viewer of a PDF does not open in the sandbox of a door.
      return kind?.shown === 'pdf' || hasTooManyPixels(kind) ? null : kind;
    } catch (error) {
      if (error instanceof ChordialError || signal.aborted) return null;
      throw error;
    }
  }

  get #files(): Files {
    return this.#context.peer().files;
  }

  get #links() {
    return this.#context.peer().links;
  }
}

/** Strangers know nothing of blocks and hosts. */
function forStrangers(error: unknown): never {
  if (!(error instanceof ChordialError) || (error.code !== 'no-live-source' && error.code !== 'bad-content'))
    throw error;
  throw new ChordialError(error.code, sentences[error.code], { cause: error });
}

const sentences = {
  'no-live-source': 'Those who keep it cannot be reached now. Try again later.',
  'bad-content': 'It was published broken, and cannot be shown. Ask who sent you the link.',
} as const;

/** Of the sealed bytes of a link, whose own name no door knows. */
const sealedName = 'content.age';
/** The page of a sealed link runs the script of this door, which asks this door alone. */
const scriptPolicy = policyOf(["script-src 'self'", "connect-src 'self'", "worker-src 'self'"]);
const workerPolicy = "default-src 'none'; connect-src 'self'";

/** Bytes of strangers run nowhere, whatever they are. */
const rawPolicy = "sandbox; default-src 'none'";

/** Names behind the id. */
function partsOf({ params }: Asked): readonly string[] {
  return (params['*'] ?? '').split('/').filter((part) => part !== '');
}

function isPage(request: Asked): boolean {
  return isForPerson(request) && !('download' in request.query);
}

function sendHtml(reply: FastifyReply, page: string, policy = pagePolicy): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('Content-Security-Policy', policy).send(page);
}

/** For programs, which fetch the bytes themselves. */
function describe({ id, from, expiry, times }: Link, content: Stored, reply: FastifyReply): FastifyReply {
  const { type, name, root, size, sealedPart } = content;
  return reply.send({
    id,
    type,
    name,
    cid: root.toString(),
    size,
    from,
    expires: new Date(expiry).toISOString(),
    times,
    bytes: sealedPart === null ? linkPath(id, { name, key: null }) : `/s/${id}/${sealedName}`,
    sealed: sealedPart === null ? null : Buffer.from(sealedPart).toString('base64url'),
  });
}

function pageNumber({ query: { page } }: Asked): number {
  return /^[1-9]\d{0,5}$/.test(page ?? '') ? Number(page) : 1;
}

function closing(reply: FastifyReply): AbortSignal {
  const closed = new AbortController();
  reply.raw.once('close', () => closed.abort());
  return closed.signal;
}

/** Whether what is sent ends with the last byte. */
function reachesEnd(reply: FastifyReply, size: number): boolean {
  const range = reply.getHeader('content-range')?.toString();
  return range === undefined || range.includes(`-${size - 1}/`);
}
