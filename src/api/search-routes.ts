/** Searching the network: a query is started, then its hits are read, all at once or as they come. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { ShownHit } from '../node/shown-hit.ts';
import type { RunningQuery } from '../search/queries.ts';
import type { ApiContext } from './context.ts';
import { problemOf } from './problem.ts';
import * as schemas from './schemas.ts';

interface StartRoute {
  Body: { query: string; mode: 'words' | 'broadcast'; ttl?: number };
}

interface QueryRoute {
  Params: { queryId: string };
  Querystring: { skip: number; limit: number };
}

const hitsPerPage = 1000;
const maximumHitsPerPage = 10_000;
/** A reader that leaves so much unread is cut off; the hits are still there for it. */
const maximumUnreadBytes = 4 * 1024 * 1024;
/** Hits written before others are served again. */
const hitsPerWrite = 200;

export function searchRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const start = {
    summary: 'Starts a search; an empty query is for everything',
    body: {
      type: 'object',
      properties: {
        query: { type: 'string', maxLength: 10 * 1024 },
        mode: {
          enum: ['words', 'broadcast'],
          default: 'words',
          description:
            'words: through the index; broadcast: every peer is asked for a part of a name, a glob, /expression/, hash or CID',
        },
        ttl: { type: 'integer', minimum: 1, maximum: 64, description: 'How often a broadcast may be handed on' },
      },
      required: ['query'],
      additionalProperties: false,
    },
    response: { 201: schemas.searchStarted },
  };
  app.post<StartRoute>('/api/v1/search', { schema: start }, async ({ body }, reply) => {
    const { query, mode, ttl } = body;
    const { id } = peer().search.start(query, { mode, ...(ttl === undefined ? {} : { hops: ttl }) });
    return reply.code(201).header('Location', `/api/v1/search/${id}`).send({ queryId: id });
  });

  const read = {
    summary: 'The hits so far; as text/event-stream each as it comes, and an event `end`',
    params: { type: 'object', properties: { queryId: { type: 'string', maxLength: 64 } }, required: ['queryId'] },
    querystring: schemas.query({
      skip: { type: 'integer', minimum: 0, default: 0 },
      limit: { type: 'integer', minimum: 1, maximum: maximumHitsPerPage, default: hitsPerPage },
    }),
    reads: { Accept: 'text/event-stream for the stream' },
    produces: ['text/event-stream'],
    response: { 200: schemas.searchResult },
  };
  app.get<QueryRoute>('/api/v1/search/:queryId', { schema: read, exposeHeadRoute: false }, async (request, reply) => {
    const running = peer();
    const query = running.search.get(request.params.queryId);
    const shown = (from: number, to: number) => running.shownHits(query.hits.slice(from, to));
    if ((request.headers.accept ?? '').includes('text/event-stream')) {
      reply.hijack();
      stream(reply.raw, query, shown);
      return;
    }
    const { skip, limit } = request.query;
    return { ...stateOf(query), hits: shown(skip, skip + limit) };
  });
}

function stateOf({ id, query, mode, time, hits, end }: RunningQuery) {
  return {
    queryId: id,
    query,
    mode,
    time: new Date(time).toISOString(),
    state: end === null ? 'running' : end.failure === null ? 'done' : 'failed',
    total: hits.length,
    answered: end?.answered ?? 0,
    missed: end?.missed ?? 0,
    problem: end?.failure == null ? null : problemOf(end.failure),
  };
}

function stream(
  response: ServerResponse,
  query: RunningQuery,
  shown: (from: number, to: number) => readonly ShownHit[],
): void {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  let sent = 0;
  let isClosed = false;
  let isWaiting = false;
  const write = (): void => {
    isWaiting = false;
    if (isClosed) return;
    if (response.writableLength > maximumUnreadBytes) {
      response.destroy();
      return;
    }
    const to = Math.min(query.hits.length, sent + hitsPerWrite);
    response.write(
      shown(sent, to)
        .map((hit) => `event: hit\ndata: ${JSON.stringify(hit)}\n\n`)
        .join(''),
    );
    sent = to;
    if (sent < query.hits.length) soon();
    else if (query.end !== null) response.end(`event: end\ndata: ${JSON.stringify(stateOf(query))}\n\n`);
  };
  const soon = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    setImmediate(write);
  };
  const stop = query.listen(soon);
  response.once('close', () => {
    isClosed = true;
    stop();
  });
  soon();
}
