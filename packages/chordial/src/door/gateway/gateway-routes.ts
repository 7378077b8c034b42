/**
 * `/ipfs/CID`: blocks and CARs for clients of IPFS, which verify what they get
 * (https://specs.ipfs.tech/http-gateways/trustless-gateway/), and `/routing/v1`, where they are found.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CID } from 'multiformats/cid';
import { hasSha256, inlineBytes } from '../../content/cid.ts';
import { ChordialError } from '../../errors.ts';
import { evaluateConditions } from '../../http/conditions.ts';
import { begunStream, disposition, parseRange } from '../../http/file-bytes.ts';
import { BoundedCache } from '../../network/bounded-cache.ts';
import type { Files, OpenedCar } from '../../transfer/files.ts';
import { nothingHere } from '../answers.ts';
import { Failures } from '../failures.ts';
import {
  firstBlockMilliseconds,
  maxMissesRemembered,
  missMilliseconds,
  missRate,
  retryAfterSeconds,
} from '../limits.ts';
import type { DoorContext, DoorService } from '../service.ts';
import { type Asked, contentType, readAsked, variantOf } from './asked.ts';
import { routingRoutes } from './routing-routes.ts';

const misses = 'blocks that are not there';
/** What is named by its hash never changes: 48 weeks, as the specification says. */
const lasting = 'public, max-age=29030400, immutable';
/** Bytes of strangers run nowhere, whatever they are. */
const rawPolicy = "sandbox; default-src 'none'";

const shared = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Headers': 'Content-Type, Range, User-Agent, X-Requested-With',
  'Access-Control-Expose-Headers':
    'Content-Length, Content-Range, Ipfs-Uri, X-Chunked-Output, X-Ipfs-Path, X-Ipfs-Roots, X-Stream-Output',
} as const;

export const gatewayService: DoorService = {
  name: 'gateway',
  routes: (app, context) => new GatewayRoutes(context).declare(app),
};

class GatewayRoutes {
  readonly #context: DoorContext;
  /** When each was last looked for in vain. */
  readonly #missing = new BoundedCache<string, number>(maxMissesRemembered);
  readonly #misses = new Failures({ rate: missRate });

  constructor(context: DoorContext) {
    this.#context = context;
  }

  declare(app: FastifyInstance): void {
    app.addHook('onRequest', async (_request, reply) => void reply.headers(shared));
    for (const url of ['/ipfs/:cid', '/ipfs/:cid/*']) {
      app.route({ method: ['GET', 'HEAD'], url, handler: (request, reply) => this.#answer(request, reply) });
      app.options(url, async (_request, reply) => reply.header('Access-Control-Max-Age', '86400').code(204).send());
    }
    routingRoutes(app, this.#context, (request, cid) => this.#isThere(request, cid));
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const given = new AbortController();
    reply.raw.once('close', () => given.abort());
    const asked = readAsked(request.raw.url ?? '', request.headers.accept);
    describe(asked, reply);
    if (evaluateConditions(request, { cid: `${asked.cid}.${variantOf(asked)}`, time: null }) === 'unchanged')
      return reply.code(304).send();
    const inline = inlineBytes(asked.cid);
    if (inline === null && !hasSha256(asked.cid)) throw nothingHere();
    if (inline === null && /\bonly-if-cached\b/i.test(request.headers['cache-control'] ?? ''))
      await this.#checkIsHere(asked);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), firstBlockMilliseconds);
    const signal = AbortSignal.any([given.signal, late.signal]);
    try {
      await this.#checkNotMissing(request, asked);
      return await (asked.car === null
        ? this.#sendBlock(asked, request, reply, signal)
        : this.#sendCar(await this.#files.openCar(asked.cid.toString(), asked.car, signal), request, reply));
    } catch (error) {
      throw this.#told(error, { request, reply, asked, isLate: late.signal.aborted });
    } finally {
      clearTimeout(timer);
    }
  }

  async #sendBlock(
    { cid }: Asked,
    request: FastifyRequest,
    reply: FastifyReply,
    signal: AbortSignal,
  ): Promise<FastifyReply> {
    const block = await this.#files.openBlock(cid.toString(), signal);
    let isRead = false;
    try {
      reply.header('Accept-Ranges', 'bytes').header('X-Ipfs-Roots', cid.toString());
      const range = request.method === 'GET' ? this.#rangeOf(request, reply, block.size) : null;
      if (range !== null)
        reply.code(206).header('Content-Range', `bytes ${range.start}-${range.end - 1}/${block.size}`);
      const { start, end } = range ?? { start: 0, end: block.size };
      reply.header('Content-Length', String(end - start));
      if (request.method === 'HEAD' || start === end) return reply.send();
      const stream = await begunStream(block.read(start, end));
      isRead = true;
      return reply.send(stream);
    } finally {
      if (!isRead) block.close();
    }
  }

  #rangeOf(request: FastifyRequest, reply: FastifyReply, size: number): ReturnType<typeof parseRange> {
    const condition = request.headers['if-range'];
    if (condition !== undefined && condition !== reply.getHeader('etag')) return null;
    try {
      return parseRange(request.headers.range, size);
    } catch (error) {
      reply.header('Content-Range', `bytes */${size}`);
      throw error;
    }
  }

  async #sendCar(car: OpenedCar, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.header('Accept-Ranges', 'none').header('X-Ipfs-Roots', car.roots.join(','));
    if (request.method === 'HEAD') return reply.send();
    return reply.send(await begunStream(car.read()));
  }

  async #checkIsHere({ cid }: Asked): Promise<void> {
    if (await this.#files.isHere(cid.toString())) return;
    throw new ChordialError(
      'precondition-failed',
      'This block is not on the disk of this peer. Ask without only-if-cached.',
    );
  }

  /** What is on this disk costs no look at others. */
  async #checkNotMissing(request: FastifyRequest, { cid }: Asked): Promise<void> {
    if (inlineBytes(cid) !== null || (await this.#files.isHere(cid.toString()))) return;
    const since = this.#missing.get(cid.toString());
    if (since !== undefined && performance.now() - since < missMilliseconds) throw nothingHere();
    this.#misses.check(request, misses);
  }

  async #isThere(request: FastifyRequest, cid: CID): Promise<boolean> {
    if (await this.#files.isHere(cid.toString())) return true;
    const since = this.#missing.get(cid.toString());
    if (since !== undefined && performance.now() - since < missMilliseconds) return false;
    this.#misses.check(request, misses);
    if (await this.#files.isThere(cid.toString())) return true;
    this.#noteMissing(request, cid);
    return false;
  }

  #noteMissing(request: FastifyRequest, cid: CID): void {
    this.#missing.set(cid.toString(), performance.now());
    this.#misses.count(request, misses);
  }

  /** What clients of IPFS take from it: 404 for "has it not", 503 and 504 for "later". */
  #told(
    error: unknown,
    {
      request,
      reply,
      asked: { cid },
      isLate,
    }: { request: FastifyRequest; reply: FastifyReply; asked: Asked; isLate: boolean },
  ): unknown {
    for (const name of ['x-ipfs-roots', 'content-location']) reply.removeHeader(name);
    if (!(error instanceof ChordialError)) return error;
    if (error.code === 'no-live-source' && error.details['isAbsent'] === true) {
      this.#noteMissing(request, cid);
      return nothingHere();
    }
    const retry = () => reply.header('Retry-After', String(retryAfterSeconds));
    if (error.code === 'interrupted' && isLate) {
      retry();
      return new ChordialError('timeout', 'The first block did not come in time. Try again in a moment.');
    }
    if (error.status === 503) retry();
    if (error.code !== 'no-live-source') return error;
    return new ChordialError('no-live-source', 'Those who keep it cannot be reached now. Try again later.', {
      cause: error,
    });
  }

  get #files(): Files {
    return this.#context.peer().files;
  }
}

/** Headers of every answer to this request that is not a failure. */
function describe(asked: Asked, reply: FastifyReply): void {
  const { cid, address, isExplicit, filename, car } = asked;
  const format = car === null ? 'raw' : 'car';
  reply.type(contentType(asked)).header('Content-Disposition', disposition(filename));
  reply
    .header('Cache-Control', lasting)
    .header('Vary', 'Accept')
    .header('ETag', `"${cid}.${variantOf(asked)}"`);
  reply.header('Content-Security-Policy', rawPolicy).header('Cross-Origin-Resource-Policy', 'cross-origin');
  reply.header('X-Ipfs-Path', address);
  if (!isExplicit) reply.header('Content-Location', `${address}?format=${format}`);
}
