/** Searches: start a query, then read its hits, all at once or as they arrive. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ShownHit } from '../peer/shown-hit.ts';
import type { Hit } from '../search/hit.ts';
import type { RunningQuery } from '../search/queries.ts';
import type { ApiContext } from './context.ts';
import { problemOf } from './problem.ts';
import { serve } from './serve.ts';
import { sendEvents } from './server-events.ts';

/** Hits written before yielding to other work. */
const hitsPerWrite = 200;

export function searchRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'POST /api/v1/search', async ({ body }, reply) => {
    const { query, mode, ttl, orBroadcast = false } = body;
    const { id } = await peer().search.start(query, {
      mode,
      orBroadcast,
      ...(ttl === undefined ? {} : { hops: ttl }),
    });
    return reply.code(201).header('Location', `/api/v1/search/${id}`).send({ queryId: id });
  });

  serve(
    app,
    'GET /api/v1/search/{queryId}',
    async (request, reply) => {
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
    },
    { exposeHeadRoute: false },
  );
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
