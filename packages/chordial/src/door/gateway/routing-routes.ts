/**
 * `/routing/v1`: who has what, for clients of IPFS (https://specs.ipfs.tech/routing/http-routing-v1/). Any gateway of the network
 * gives any block of it, so that the answer is this door and those of other members.
 */
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { base58btc } from 'multiformats/bases/base58';
import type { CID } from 'multiformats/cid';
import { hasSha256, inlineBytes, parseCid } from '../../content/cid.ts';
import { ChordialError } from '../../errors.ts';

import { isHostId } from '../../network/host-id.ts';
import { maxRecords } from '../limits.ts';
import { type DoorContext, originOf } from '../service.ts';

interface Record {
  readonly Schema: 'peer';
  readonly ID: string;
  readonly Addrs: readonly string[];
  readonly Protocols: readonly string[];
}

interface Filters {
  readonly 'filter-addrs'?: string;
  readonly 'filter-protocols'?: string;
}

type Asking<Params> = FastifyRequest<{ Params: Params; Querystring: Filters }>;

const protocol = 'transport-ipfs-gateway-http';
/** Multicodec of the key of a peer. */
const peerCodec = 0x72;
const maxNamesOfFilter = 64;

/** @param isThere whether any host has the block; throws `too-many-requests` */
export function routingRoutes(
  app: FastifyInstance,
  context: DoorContext,
  isThere: (request: FastifyRequest, cid: CID) => Promise<boolean>,
): void {
  app.get('/routing/v1/providers/:cid', async (request: Asking<{ cid: string }>, reply) => {
    const cid = asProcessable(() => parseCid(request.params.cid));
    const isKnown = inlineBytes(cid) === null && hasSha256(cid) && (await isThere(request, cid));
    return send(request, reply, 'Providers', isKnown ? await gateways(context, request) : []);
  });
  app.get('/routing/v1/peers/:peer', async (request: Asking<{ peer: string }>, reply) => {
    const wanted = asProcessable(() => peerIdOf(request.params.peer));
    const found = (await gateways(context, request)).filter(({ ID }) => ID === wanted);
    return send(request, reply, 'Peers', found);
  });
  app.options('/routing/*', async (_request, reply) =>
    reply.header('Access-Control-Max-Age', '86400').code(204).send(),
  );
  app.route({
    method: ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'],
    url: '/routing/*',
    handler: async ({ method, url }) => {
      const isNamed = /^\/routing\/v1\/(?:providers|peers|ipns|dht)\b/.test(url);
      const message = 'This router tells who has a block: GET /routing/v1/providers/CID, and /routing/v1/peers/ID.';
      throw new ChordialError(isNamed || method !== 'GET' ? 'not-offered' : 'bad-request', message);
    },
  });
}

/** This door as the visitor reaches it, then those of others. */
async function gateways({ peer, ...context }: DoorContext, request: FastifyRequest): Promise<readonly Record[]> {
  const { doors, status } = peer();
  const own = recordOf(status('none').id, originOf(request, { ...context, peer }));
  const others = (await doors.find('gateway')).flatMap(({ contact, url }) =>
    contact === null ? [] : [recordOf(contact.host, url)],
  );
  return [own, ...others].slice(0, maxRecords);
}

function recordOf(id: string, url: string): Record {
  return { Schema: 'peer', ID: id, Addrs: [multiaddrOf(url)], Protocols: [protocol] };
}

/** @param url an origin of http or https */
export function multiaddrOf(url: string): string {
  const { protocol: scheme, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const kind = { 0: 'dns', 4: 'ip4', 6: 'ip6' }[isIP(host)];
  const isSecure = scheme === 'https:';
  return `/${kind}/${host}/tcp/${port || (isSecure ? 443 : 80)}${isSecure ? '/tls' : ''}/http`;
}

function send(
  request: Asking<unknown>,
  reply: FastifyReply,
  list: 'Providers' | 'Peers',
  records: readonly Record[],
): FastifyReply {
  const filtered = filteredBy(request.query, records);
  const age = filtered.length === 0 ? 15 : 300;
  const stale = 'stale-while-revalidate=172800, stale-if-error=172800';
  reply.header('Cache-Control', `public, max-age=${age}, ${stale}`).header('Vary', 'Accept');
  reply.header('Last-Modified', new Date().toUTCString()).header('Cross-Origin-Resource-Policy', 'cross-origin');
  const isStream = /\bapplication\/x-ndjson\b/i.test(request.headers.accept ?? '');
  const text = isStream
    ? filtered.map((one) => `${JSON.stringify(one)}\n`).join('')
    : JSON.stringify({ [list]: filtered });
  // As bytes: Fastify would add a charset to text.
  return reply.type(isStream ? 'application/x-ndjson' : 'application/json').send(Buffer.from(text));
}

/** IPIP-484: addresses by the names of their parts, `!` for those not wanted; records without an address left are left out. */
function filteredBy(query: Filters, records: readonly Record[]): readonly Record[] {
  const protocols = namesIn(query['filter-protocols']);
  const addresses = namesIn(query['filter-addrs']);
  const wanted = addresses.filter((name) => !name.startsWith('!'));
  const unwanted = addresses.filter((name) => name.startsWith('!')).map((name) => name.slice(1));
  const isWanted = (address: string) => {
    const parts = address.toLowerCase().split('/');
    return (
      !unwanted.some((name) => parts.includes(name)) &&
      (wanted.length === 0 || wanted.some((name) => parts.includes(name)))
    );
  };
  return records
    .filter((record) => protocols.length === 0 || record.Protocols.some((one) => protocols.includes(one)))
    .map((record) => ({ ...record, Addrs: record.Addrs.filter(isWanted) }))
    .filter((record) => record.Addrs.length > 0);
}

function namesIn(filter: unknown): readonly string[] {
  if (typeof filter !== 'string' || filter === '') return [];
  return filter.toLowerCase().split(',', maxNamesOfFilter);
}

/** In base58 or as a CID. */
function peerIdOf(text: string): string {
  if (isHostId(text)) return text;
  const cid = parseCid(text);
  if (cid.code === peerCodec || cid.version === 0) return base58btc.baseEncode(cid.multihash.bytes);
  throw new ChordialError('bad-request', `${cid} is a CID of something else than a peer.`);
}

function asProcessable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ChordialError)) throw cause;
    throw new ChordialError('not-processable', cause.message, { cause });
  }
}
