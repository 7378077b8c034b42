/** Searches: start a query, then read its hits, all at once or as they arrive. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ShownHit } from '../node/shown-hit.ts';
import type { Hit } from '../search/hit.ts';
import type { RunningQuery } from '../search/queries.ts';
import type { ApiContext } from './context.ts';
import { problemOf } from './problem.ts';
import * as schemas from './schemas.ts';
import { sendEvents } from './server-events.ts';

interface StartRoute {
  Body: { query: string; mode: 'words' | 'broadcast'; ttl?: number; orBroadcast?: boolean };
}

interface QueryRoute {
  Params: { queryId: string };
  Querystring: { skip: number; limit: number };
}

const hitsPerPage = 1000;
const maxHitsPerPage = 10_000;
/** Hits written before yielding to other work. */
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
        orBroadcast: {
          type: 'boolean',
          description: 'By words: where no word matches, every peer is asked for the text as a part of names',
        },
        ttl: { type: 'integer', minimum: 1, maximum: 64, description: 'How often a broadcast may be handed on' },
      },
      required: ['query'],
      additionalProperties: false,
    },
    response: { 201: schemas.searchStarted },
  };
  app.post<StartRoute>('/api/v1/search', { schema: start }, async ({ body }, reply) => {
    const { query, mode, ttl, orBroadcast = false } = body;
    const { id } = await peer().search.start(query, {
      mode,
      orBroadcast,
      ...(ttl === undefined ? {} : { hops: ttl }),
    });
    return reply.code(201).header('Location', `/api/v1/search/${id}`).send({ queryId: id });
  });

  const read = {
    summary:
      'The hits so far; as text/event-stream each as it comes and whenever more is known of it, and an event `end`',
    params: { type: 'object', properties: { queryId: { type: 'string', maxLength: 64 } }, required: ['queryId'] },
    querystring: schemas.query({
      skip: { type: 'integer', minimum: 0, default: 0 },
      limit: { type: 'integer', minimum: 1, maximum: maxHitsPerPage, default: hitsPerPage },
    }),
    reads: { Accept: 'text/event-stream for the stream' },
    produces: ['text/event-stream'],
    response: { 200: schemas.searchResult },
  };
  app.get<QueryRoute>('/api/v1/search/:queryId', { schema: read, exposeHeadRoute: false }, async (request, reply) => {
    const running = peer();
    const query = running.search.get(request.params.queryId);
    const shown: ShowHits = (files) => running.shownHits(files);
    if ((request.headers.accept ?? '').includes('text/event-stream')) {
      reply.hijack();
      stream(reply.raw, query, shown);
      return;
    }
    const { skip, limit } = request.query;
    const to = Math.min(query.files.length, skip + limit);
    reply.type('application/json; charset=utf-8');
    return reply.send(Readable.from(page(query, skip, to, shown), { objectMode: false }));
  });
}

function stateOf({ id, query, mode, time, files, end }: RunningQuery) {
  return {
    queryId: id,
    query,
    mode,
    time: new Date(time).toISOString(),
    state: end === null ? 'running' : end.failure === null ? 'done' : 'failed',
    total: files.length,
    answered: end?.answered ?? 0,
    missed: end?.missed ?? 0,
    problem: end?.failure == null ? null : problemOf(end.failure),
  };
}

type ShowHits = (files: readonly (readonly Hit[])[]) => readonly ShownHit[];

function stream(response: ServerResponse, query: RunningQuery, shown: ShowHits): void {
  let sent = 0;
  let isEnded = false;
  const wake = sendEvents(response, () => {
    if (isEnded) return undefined;
    // One that changed again meanwhile is sent once, in its current state.
    const changed = new Set(query.changes.slice(sent, sent + hitsPerWrite));
    if (changed.size > 0) {
      const to = Math.min(query.changes.length, sent + hitsPerWrite);
      const hits = shown([...changed].flatMap((place) => [query.files[place] ?? []])).map(
        (hit) => `event: hit\ndata: ${JSON.stringify(hit)}\n\n`,
      );
      sent = to;
      return hits.join('');
    }
    if (query.end === null) return null;
    isEnded = true;
    return `event: end\ndata: ${JSON.stringify(stateOf(query))}\n\n`;
  });
  response.once('close', query.listen(wake));
  wake();
}

/** Hits are serialised as the client reads. */
function* page(query: RunningQuery, from: number, to: number, shown: ShowHits): Generator<string> {
  yield `${JSON.stringify(stateOf(query)).slice(0, -1)},"hits":[`;
  for (let at = from; at < to; at += hitsPerWrite) {
    const hits = shown(query.files.slice(at, Math.min(to, at + hitsPerWrite))).map((hit) => JSON.stringify(hit));
    yield (at === from ? '' : ',') + hits.join(',');
  }
  yield ']}';
}
