/** WebDAV (RFC 4918, classes 1, 2 and 3) at `/dav/`: a drive for file managers. */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { whyNotAPublishedName } from '../../content/name.ts';
import { ChordialError } from '../../errors.ts';
import { evaluateConditions } from '../../http/conditions.ts';
import { disposition, sendBytes } from '../../http/file-bytes.ts';
import { sendProblem } from '../../http/problem.ts';
import { bodyOf, checkBodyHeaders } from '../../http/request-body.ts';
import type { Token } from '../../peer/tokens.ts';
import { pageOf, pagePolicy } from '../frame.ts';
import { html } from '../html.ts';
import { maxBodyBytes } from '../limits.ts';
import type { DoorContext, DoorService } from '../service.ts';
import { Changes } from './changes.ts';
import { Digest, isDigest } from './digest.ts';
import { type ConditionList, parseIf } from './if-header.ts';
import { isAt, type Lock, Locks, maxLockSeconds, maxOwnerBytes, usualLockSeconds } from './locks.ts';
import {
  activeLock,
  element,
  isLive,
  maxPropertyBytes,
  nameOfProperty,
  type PropertyContext,
  type PropertyName,
  responseOf,
} from './properties.ts';
import { ownRoot, type Resource, Resources } from './resources.ts';
import { child, davNamespace, parseXml, type XmlElement, xmlHead } from './xml.ts';

const davMethods = ['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK'] as const;
const methods = ['OPTIONS', 'GET', 'HEAD', 'PUT', 'DELETE', ...davMethods] as const;
const readingMethods = new Set(['OPTIONS', 'GET', 'HEAD', 'PROPFIND']);
const rootPath = '/dav';
const maxPathCharacters = 16_384;
const quotaMilliseconds = 10_000;
/** A listing lets other work pass after so long. */
const sliceMilliseconds = 20;
const pieceCharacters = 32 * 1024;
const xmlType = 'application/xml; charset=utf-8';

export const davService: DoorService = {
  name: 'dav',
  routes: (app, context) => new Dav(context).routes(app),
};

/** One request. */
interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Below `/dav`, decoded. */
  readonly path: readonly string[];
  /** The same as one text. */
  readonly place: string;
  readonly token: Token;
  /** Lock tokens that the request gives, of locks of its own access token. */
  readonly given: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

class Dav {
  readonly #context: DoorContext;
  readonly #resources: Resources;
  readonly #changes: Changes;
  readonly #locks = new Locks();
  readonly #digest = new Digest();
  #quota: { readonly at: number; readonly value: Promise<PropertyContext['quota']> } | null = null;

  constructor(context: DoorContext) {
    this.#context = context;
    this.#resources = new Resources(context.peer);
    this.#changes = new Changes(context.peer, this.#resources);
  }

  routes(app: FastifyInstance): void {
    for (const method of davMethods) app.addHttpMethod(method, { hasBody: true });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    const handler = (request: FastifyRequest, reply: FastifyReply) => this.#answer(request, reply);
    for (const url of [rootPath, `${rootPath}/*`]) {
      app.route({ method: methods.filter((one) => one !== 'PUT'), url, handler, config: { handlesConditions: true } });
      app.route({ method: 'PUT', url, handler, config: { streamsBody: true, handlesConditions: true } });
    }
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.header('DAV', '1, 2, 3').header('MS-Author-Via', 'DAV');
    // Windows asks without a password first.
    if (request.method === 'OPTIONS') return reply.header('Allow', methods.join(', ')).code(200).send();
    const token = this.#checkToken(request, reply);
    const path = pathIn(request.raw.url ?? '');
    const given = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) given.abort();
    });
    const lists = ifLists(request);
    const place = path.join('/');
    const held = this.#locks.heldBy(token.id, tokensIn(lists));
    const asked = { request, reply, path, place, token, given: held, signal: given.signal };
    try {
      await this.#checkIf(asked, lists);
      return await this[byMethod[request.method as keyof typeof byMethod]](asked);
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      // The door tells strangers nothing of methods; clients of a drive depend on it.
      if (error.code === 'method-not-allowed') return sendProblem(reply, error);
      if (error.code !== 'locked') throw error;
      const at = typeof error.details['path'] === 'string' ? error.details['path'] : place;
      const body = `<D:error xmlns:D="DAV:"><D:lock-token-submitted><D:href>${this.#href(at)}</D:href></D:lock-token-submitted></D:error>`;
      return reply
        .code(423)
        .type(xmlType)
        .send(xmlHead + body);
    }
  }

  #checkToken(request: FastifyRequest, reply: FastifyReply): Token {
    const writes = !readingMethods.has(request.method);
    const { failures, isSecure, peer } = this.#context;
    const asks = (isStale = false): string[] => [
      'Basic realm="chordial", charset="UTF-8"',
      ...(isSecure() ? [] : [this.#digest.challenge(isStale)]),
    ];
    if (!isDigest(request)) {
      reply.header('WWW-Authenticate', asks());
      const token = this.#context.checkToken(request, { scope: 'dav', writes });
      reply.removeHeader('WWW-Authenticate');
      return token;
    }
    failures.check(request, 'token');
    const token = this.#digest.check(request, peer().tokens);
    if (token === null || token === 'stale') {
      if (token === null) failures.count(request, 'token');
      reply.header('WWW-Authenticate', asks(token === 'stale'));
      throw new ChordialError('token-required', 'This password is wrong, or was asked for too long ago.');
    }
    if (writes && token.isReadOnly)
      throw new ChordialError('read-only', 'This token is only to read, and the request would change something.');
    return token;
  }

  async get({ request, reply, path, place }: Asked): Promise<FastifyReply> {
    const resource = await this.#found(path);
    if (resource.isFolder) return this.#page(path, reply);
    reply.header('Content-Security-Policy', "sandbox; default-src 'none'").type('application/octet-stream');
    reply.header('Content-Disposition', disposition(resource.name)).header('Cache-Control', 'private, no-cache');
    const { cid, modified, size } = resource;
    if (cid === null) throw new ChordialError('not-found', `${place} is not there.`);
    reply.header('ETag', `"${cid}"`);
    if (modified !== null) reply.header('Last-Modified', new Date(modified).toUTCString());
    const time = modified === null ? null : new Date(modified).toISOString();
    if (evaluateConditions(request, { cid, time }) === 'unchanged') return reply.code(304).send();
    const read = (_: string, range?: { readonly start: number; readonly end: number }, signal?: AbortSignal) =>
      this.#resources.read(resource, range, signal);
    return sendBytes({ read }, { cid, size }, request, reply);
  }

  async put({ request, reply, path, place, given, signal }: Asked): Promise<FastifyReply> {
    checkBodyHeaders(request, reply);
    const own = writable(path, 'written');
    checkName(own);
    await this.#checkParent(path);
    const before = await this.#resources.find(path);
    if (before?.isFolder) throw new ChordialError('method-not-allowed', `/${place} is a folder. Use another name.`);
    this.#locks.check(place, given, { member: before === null });
    const length = Number(
      request.headers['content-length'] ?? request.headers['x-expected-entity-length'] ?? Number.NaN,
    );
    const time = Number(request.headers['x-oc-mtime'] ?? Number.NaN);
    const modified = Number.isFinite(time) && time >= 0 ? Math.round(time * 1000) : null;
    const { cid, isNew } = await this.#changes.write(own, bodyOf(request.raw), {
      size: Number.isSafeInteger(length) ? length : null,
      modified,
      signal,
      check: (current) => void evaluateConditions(request, current === null ? null : { cid: current, time: null }),
    });
    if (modified !== null) reply.header('X-OC-Mtime', 'accepted');
    if (cid !== null) reply.header('ETag', `"${cid}"`).header('OC-ETag', `"${cid}"`);
    return reply.code(isNew ? 201 : 204).send();
  }

  async mkcol({ request, reply, path, place, given }: Asked): Promise<FastifyReply> {
    const body = await textOf(request);
    if (body !== '') throw new ChordialError('unsupported-type', 'MKCOL takes no body here.');
    const own = writable(path, 'made');
    checkName(own);
    if ((await this.#resources.find(path)) !== null)
      throw new ChordialError('method-not-allowed', `/${place} is there already.`);
    await this.#checkParent(path);
    this.#locks.check(place, given, { member: true });
    await this.#changes.makeFolder(own);
    return reply.code(201).send();
  }

  async delete({ request, reply, path, place, given }: Asked): Promise<FastifyReply> {
    const resource = await this.#found(path);
    const own = writable(path, 'removed');
    if (resource.isFolder && !['infinity', undefined].includes(depthOf(request)))
      throw new ChordialError('bad-request', 'A folder is removed with all in it: Depth is infinity.');
    this.#locks.check(place, given, { below: true, member: true });
    await this.#changes.remove(own, (cid) => {
      evaluateConditions(request, cid === null ? null : { cid, time: null });
    });
    this.#locks.drop(place);
    return reply.code(204).send();
  }

  copy(asked: Asked): Promise<FastifyReply> {
    return this.#place(asked, false);
  }

  move(asked: Asked): Promise<FastifyReply> {
    return this.#place(asked, true);
  }

  async #place({ request, reply, path, place, given, signal }: Asked, isMove: boolean): Promise<FastifyReply> {
    const source = await this.#found(path);
    const from = isMove ? writable(path, 'moved') : null;
    const target = this.#destination(request);
    const to = writable(target, isMove ? 'moved to' : 'copied to');
    checkName(to);
    const targetPlace = target.join('/');
    if (isAt(targetPlace, place) || isAt(place, targetPlace))
      throw new ChordialError('not-publisher', `/${place} cannot be put into itself or in the place of what it is in.`);
    await this.#checkParent(target);
    const there = await this.#resources.find(target);
    const replaces = !/^f$/i.test(String(request.headers['overwrite'] ?? 'T'));
    const refused = new ChordialError('precondition-failed', `/${targetPlace} is there, and is not to be replaced.`);
    if (there !== null && !replaces) throw refused;
    if (isMove) this.#locks.check(place, given, { below: true, member: true });
    this.#locks.check(targetPlace, given, { below: true, member: there === null });
    const isShallow = source.isFolder && depthOf(request) === '0';
    const how = { replaces, signal };
    const changing =
      from === null ? this.#changes.copy(path, to, { ...how, isShallow }) : this.#changes.move(from, to, how);
    await changing.catch((error: unknown) => {
      throw error instanceof ChordialError && error.code === 'already-exists' ? refused : error;
    });
    if (isMove) this.#locks.drop(place);
    return reply.code(there === null ? 201 : 204).send();
  }

  async propfind({ request, reply, path }: Asked): Promise<FastifyReply> {
    const depth = depthOf(request) ?? 'infinity';
    const wanted = wantedOf(parseXml(await textOf(request)));
    const resource = await this.#found(path);
    if (depth === 'infinity' && resource.isFolder) {
      const body = '<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>';
      return reply
        .code(403)
        .type(xmlType)
        .send(xmlHead + body);
    }
    const quota = wanted.names?.some((name) => name.includes('quota-')) ? await this.#quotaNow() : null;
    const responses = this.#responses({ path, resource, isDeep: depth === '1' }, wanted, quota);
    reply.code(207).type(xmlType).header('Cache-Control', 'no-store');
    return reply.send(Readable.from(multistatus(responses), { objectMode: false }));
  }

  async *#responses(
    {
      path,
      resource,
      isDeep,
    }: { readonly path: readonly string[]; readonly resource: Resource; readonly isDeep: boolean },
    wanted: ReturnType<typeof wantedOf>,
    quota: PropertyContext['quota'],
  ): AsyncGenerator<string, void, undefined> {
    const hrefOf = (place: string) => this.#href(place);
    const locksOn = this.#locks.within(path.join('/'));
    const one = (at: readonly string[], found: Resource): string => {
      const place = at.join('/');
      const href = hrefOf(place) + (found.isFolder && place !== '' ? '/' : '');
      return responseOf(href, found, wanted, { locks: locksOn(place), quota, hrefOf });
    };
    yield one(path, resource);
    if (!isDeep || !resource.isFolder) return;
    let began = performance.now();
    for await (const below of this.#resources.list(path)) {
      yield one([...path, below.name], below);
      if (performance.now() - began < sliceMilliseconds) continue;
      await setImmediate();
      began = performance.now();
    }
  }

  async proppatch({ request, reply, path, place, given }: Asked): Promise<FastifyReply> {
    const update = parseXml(await textOf(request));
    if (update?.namespace !== davNamespace || update.name !== 'propertyupdate')
      throw new ChordialError('bad-request', 'The body of PROPPATCH is a propertyupdate.');
    const resource = await this.#found(path);
    const own = writable(path, 'changed');
    this.#locks.check(place, given);
    const steps = update.children.flatMap((step) => {
      if (step.namespace !== davNamespace || (step.name !== 'set' && step.name !== 'remove')) return [];
      const isSet = step.name === 'set';
      return (child(step, 'prop')?.children ?? []).map((one) => ({
        name: nameOfProperty(one),
        value: isSet ? one.inner : null,
      }));
    });
    let isTooMuch = false;
    const change = (before: Resource['properties']): Resource['properties'] => {
      const properties: Record<string, string> = { ...before };
      for (const { name, value } of steps)
        if (value === null) delete properties[name];
        else properties[name] = value;
      isTooMuch = Buffer.byteLength(JSON.stringify(properties)) > maxPropertyBytes;
      return isTooMuch ? before : properties;
    };
    const [folder = '', ...below] = own;
    // A name by itself, which is no folder, has no place to keep them.
    const hasPlace = below.length > 0 || resource.isFolder;
    const refused = new Set(steps.map(({ name }) => name).filter((name) => isLive(name) || !hasPlace));
    if (refused.size === 0) await this.#context.peer().trees.setProperties({ folder, path: below }, change);
    else change(resource.properties);
    const failure = isTooMuch ? '507 Insufficient Storage' : '403 Forbidden';
    const statusOf = (name: PropertyName): string =>
      isTooMuch || refused.has(name) ? failure : refused.size > 0 ? '424 Failed Dependency' : '200 OK';
    const parts = steps.map(
      ({ name }) =>
        `<D:propstat><D:prop>${element(name, '')}</D:prop><D:status>HTTP/1.1 ${statusOf(name)}</D:status></D:propstat>`,
    );
    const href = this.#href(place) + (resource.isFolder ? '/' : '');
    const body = `<D:multistatus xmlns:D="DAV:"><D:response><D:href>${href}</D:href>${parts.join('')}</D:response></D:multistatus>`;
    return reply
      .code(207)
      .type(xmlType)
      .send(xmlHead + body);
  }

  async lock({ request, reply, path, place, token, given, signal }: Asked): Promise<FastifyReply> {
    const body = parseXml(await textOf(request));
    const timeout = timeoutOf(request);
    if (body === null) return this.#refresh({ reply, place, given }, timeout);
    const scope = child(body, 'lockscope')?.children[0]?.name;
    const isWrite = child(child(body, 'locktype') ?? body, 'write') !== undefined;
    if (body.name !== 'lockinfo' || !isWrite || (scope !== 'exclusive' && scope !== 'shared'))
      throw new ChordialError('bad-request', 'The body of LOCK is a lockinfo with a scope and the type write.');
    const own = writable(path, 'locked');
    checkName(own);
    const owner = child(body, 'owner')?.inner ?? '';
    if (Buffer.byteLength(owner) > maxOwnerBytes)
      throw new ChordialError('bad-request', `The owner of a lock has at most ${maxOwnerBytes} bytes.`);
    await this.#checkParent(path);
    const depth = depthOf(request) ?? 'infinity';
    if (depth === '1') throw new ChordialError('bad-request', 'The Depth of a lock is 0 or infinity.');
    const resource = await this.#resources.find(path);
    if (resource === null) this.#locks.check(place, given, { member: true });
    const wish = { path: place, isDeep: depth === 'infinity', isShared: scope === 'shared', owner, timeout };
    const lock = this.#locks.take({ ...wish, holder: token.id });
    let isMade = false;
    try {
      isMade = resource === null && (await this.#changes.makeFile(own, signal));
    } catch (error) {
      this.#locks.release(lock.token, place);
      throw error;
    }
    return this.#sendLock(reply.code(isMade ? 201 : 200).header('Lock-Token', `<${lock.token}>`), lock);
  }

  #refresh({ reply, place, given }: Pick<Asked, 'reply' | 'place' | 'given'>, timeout: number): FastifyReply {
    for (const one of given) {
      const lock = this.#locks.refresh(one, place, timeout);
      if (lock !== null) return this.#sendLock(reply.code(200), lock);
    }
    throw new ChordialError('precondition-failed', `No lock of /${place} has the token that the If header gives.`);
  }

  #sendLock(reply: FastifyReply, lock: Lock): FastifyReply {
    const body = `<D:prop xmlns:D="DAV:"><D:lockdiscovery>${activeLock(lock, (at) => this.#href(at))}</D:lockdiscovery></D:prop>`;
    return reply.type(xmlType).send(xmlHead + body);
  }

  async unlock({ request, reply, place, token }: Asked): Promise<FastifyReply> {
    const [, given = ''] = /^\s*<([^<>]+)>\s*$/.exec(String(request.headers['lock-token'] ?? '')) ?? [];
    if (given === '') throw new ChordialError('bad-request', 'UNLOCK needs a Lock-Token.');
    const [lock] = this.#locks.on(place).filter((one) => one.token === given);
    if (lock !== undefined && lock.holder !== token.id)
      throw new ChordialError('not-publisher', 'This lock is of another token of the drive.');
    if (!this.#locks.release(given, place))
      throw new ChordialError('changed', `No lock of /${place} has this token. It may have run out.`);
    return reply.code(204).send();
  }

  /** A list for a browser, without a script. */
  async #page(path: readonly string[], reply: FastifyReply): Promise<FastifyReply> {
    const shown: ReturnType<typeof html>[] = [];
    for await (const { name, isFolder } of this.#resources.list(path)) {
      const href = this.#href([...path, name].join('/')) + (isFolder ? '/' : '');
      shown.push(html`<li><a href="${href}">${name}${isFolder ? '/' : ''}</a></li>`);
      if (shown.length >= maxShown) break;
    }
    const title = path.at(-1) ?? 'Drive';
    const main = html`<h1>${title}</h1><p>Add this address as a network drive (WebDAV) in your file manager.</p><ul>${shown}</ul>`;
    reply.header('Content-Security-Policy', pagePolicy).type('text/html; charset=utf-8');
    return reply.send(pageOf({ title, main }));
  }

  async #found(path: readonly string[]): Promise<Resource> {
    const resource = await this.#resources.find(path);
    if (resource !== null) return resource;
    throw new ChordialError('not-found', `/${path.join('/')} is not there.`);
  }

  /** RFC 4918 wants 409 where a folder above is missing. */
  async #checkParent(path: readonly string[]): Promise<void> {
    const above = path.slice(0, -1);
    const parent = await this.#resources.find(above);
    if (parent?.isFolder) return;
    throw new ChordialError('changed', `The folder /${above.join('/')} is not there. Make it first.`);
  }

  #destination({ headers, host }: FastifyRequest): readonly string[] {
    const given = String(headers['destination'] ?? '');
    const url = URL.parse(given, `http://${host}`);
    if (given === '' || url === null)
      throw new ChordialError('bad-request', 'The Destination header says where to. Give one.');
    const isHere = url.host.replace(/:(?:80|443)$/, '') === host.replace(/:(?:80|443)$/, '');
    const isOwn = isHere || url.origin === URL.parse(this.#context.baseUrl())?.origin;
    if (!isOwn)
      throw new ChordialError(
        'unreachable',
        `${given.slice(0, 200)} is on another server, to which nothing is copied.`,
      );
    return pathIn(url.pathname);
  }

  /** At least one list of conditions must hold. */
  async #checkIf({ path }: Asked, lists: readonly ConditionList[]): Promise<void> {
    if (lists.length === 0) return;
    for (const { resource, conditions } of lists) {
      const at = resource === null ? path : pathOfTag(resource);
      if (at === null) continue;
      const place = at.join('/');
      const needsTag = conditions.some(({ etag }) => etag !== null);
      const cid = needsTag ? ((await this.#resources.find(at))?.cid ?? null) : null;
      const holds = conditions.every(({ isNot, token, etag }) => {
        const isTrue = token === null ? cid !== null && etag === `"${cid}"` : this.#locks.has(token, place);
        return isTrue !== isNot;
      });
      if (holds) return;
    }
    throw new ChordialError('precondition-failed', 'No condition of the If header holds.');
  }

  #quotaNow(): Promise<PropertyContext['quota']> {
    const now = performance.now();
    if (this.#quota !== null && now - this.#quota.at < quotaMilliseconds) return this.#quota.value;
    const value = this.#askQuota().catch(() => null);
    this.#quota = { at: now, value };
    return value;
  }

  /** What the network can still take, each byte as often as it has copies. */
  async #askQuota(): Promise<PropertyContext['quota']> {
    const { disks, copies } = await this.#context.peer().health();
    const times = Math.max(1, Math.min(copies.wanted, disks.length));
    const sum = (numbers: readonly number[]) => Math.floor(numbers.reduce((all, one) => all + one, 0) / times);
    return { used: sum(disks.map(({ used }) => used)), available: sum(disks.map(({ room }) => room)) };
  }

  /** Percent-encoded. */
  #href(place: string): string {
    const parts = place.split('/').map((part) => encodeURIComponent(part));
    return place === '' ? `${rootPath}/` : `${rootPath}/${parts.join('/')}`;
  }
}

const byMethod = {
  GET: 'get',
  HEAD: 'get',
  PUT: 'put',
  DELETE: 'delete',
  MKCOL: 'mkcol',
  COPY: 'copy',
  MOVE: 'move',
  PROPFIND: 'propfind',
  PROPPATCH: 'proppatch',
  LOCK: 'lock',
  UNLOCK: 'unlock',
} as const;

const maxShown = 10_000;

/** Decoded parts below `/dav`. Throws `bad-request` for what is no path. */
function pathIn(url: string): readonly string[] {
  if (url.includes('#')) throw new ChordialError('bad-request', 'A path has no fragment.');
  const [place = ''] = url.split('?', 1);
  if (place.length > maxPathCharacters) throw new ChordialError('bad-request', 'The path is too long.');
  const below = place === rootPath ? '' : place.startsWith(`${rootPath}/`) ? place.slice(rootPath.length + 1) : null;
  if (below === null) throw new ChordialError('not-publisher', 'That is outside of the drive.');
  return below
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
}

function decoded(part: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw new ChordialError(
      'bad-request',
      `The path has a part that is not percent-encoded UTF-8: ${part.slice(0, 80)}.`,
    );
  }
  const isPart = text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0');
  if (!isPart) throw new ChordialError('bad-request', `The path has a part that no name can be: ${part.slice(0, 80)}.`);
  return text.normalize('NFC');
}

function pathOfTag(resource: string): readonly string[] | null {
  try {
    return pathIn(URL.parse(resource, 'http://here')?.pathname ?? '');
  } catch (error) {
    if (error instanceof ChordialError) return null;
    throw error;
  }
}

/** Without the root. Throws `not-publisher` outside of what can be changed. */
function writable([root, ...path]: readonly string[], done: string): readonly string[] {
  if (root === ownRoot && path.length > 0) return path;
  throw new ChordialError(
    'not-publisher',
    `Only what is in /${ownRoot}/ can be ${done}: the rest is of others, or how it is found.`,
  );
}

function checkName(path: readonly string[]): void {
  const name = path.at(-1) ?? '';
  const reason = whyNotAPublishedName(name);
  if (reason !== null) throw new ChordialError('bad-name', `${JSON.stringify(name)} cannot be a name: ${reason}.`);
}

function depthOf({ headers }: FastifyRequest): '0' | '1' | 'infinity' | undefined {
  const given = headers['depth'];
  if (given === undefined) return undefined;
  const depth = String(given).trim().toLowerCase();
  if (depth === '0' || depth === '1' || depth === 'infinity') return depth;
  throw new ChordialError('bad-request', `Depth is 0, 1 or infinity, not ${JSON.stringify(depth.slice(0, 40))}.`);
}

/** Seconds. */
function timeoutOf({ headers }: FastifyRequest): number {
  const [, seconds] = /Second-(\d{1,10})/i.exec(String(headers['timeout'] ?? '')) ?? [];
  return seconds === undefined ? usualLockSeconds : Math.max(1, Math.min(maxLockSeconds, Number(seconds)));
}

function ifLists({ headers }: FastifyRequest): readonly ConditionList[] {
  const given = headers['if'];
  return given === undefined ? [] : parseIf(String(given));
}

function tokensIn(lists: readonly ConditionList[]): readonly string[] {
  return lists.flatMap(({ conditions }) =>
    conditions.flatMap(({ token, isNot }) => (token === null || isNot ? [] : [token])),
  );
}

async function textOf(request: FastifyRequest): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of bodyOf(request.raw)) {
    bytes += piece.length;
    if (bytes > maxBodyBytes) throw new ChordialError('too-large', `The body has more than ${maxBodyBytes} bytes.`);
    pieces.push(piece);
  }
  const text = Buffer.concat(pieces);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch {
    throw new ChordialError('bad-request', 'The body is not UTF-8.');
  }
}

function wantedOf(body: XmlElement | null): {
  readonly names: readonly PropertyName[] | null;
  readonly isNames: boolean;
  readonly more?: readonly PropertyName[];
} {
  if (body === null) return { names: null, isNames: false };
  if (body.namespace !== davNamespace || body.name !== 'propfind')
    throw new ChordialError('bad-request', 'The body of PROPFIND is a propfind.');
  const kinds = ['prop', 'allprop', 'propname'].filter((name) => child(body, name) !== undefined);
  if (kinds.length !== 1) throw new ChordialError('bad-request', 'A propfind has one of prop, allprop and propname.');
  if (kinds[0] === 'propname') return { names: null, isNames: true };
  const prop = child(body, 'prop');
  if (prop !== undefined) return { names: prop.children.map(nameOfProperty), isNames: false };
  return { names: null, isNames: false, more: child(body, 'include')?.children.map(nameOfProperty) ?? [] };
}

/** In pieces of many responses: each piece is a write to the socket. */
async function* multistatus(responses: AsyncIterable<string>): AsyncGenerator<string> {
  let text = `${xmlHead}<D:multistatus xmlns:D="DAV:">\n`;
  for await (const response of responses) {
    text += response;
    if (text.length < pieceCharacters) continue;
    yield text;
    text = '';
  }
  yield `${text}</D:multistatus>\n`;
}
