/** Searches: start a query, then read its hits, all at once or as they arrive. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { problemOf } from '../http/problem.ts';
import type { Peer } from '../peer/peer.ts';
import type { ShownHit } from '../peer/shown-hit.ts';
import type { Hit } from '../search/hit.ts';
import type { RunningQuery } from '../search/queries.ts';
import { type ListedFacts, type Listing, type ListingWish, listed } from '../transfer/listing-order.ts';
import type { ApiContext } from './context.ts';
import { listedPeers, listingWish } from './listing-query.ts';
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
      const shown: ShowHits = (rows) => running.shownHits(rows);
      if ((request.headers.accept ?? '').includes('text/event-stream')) {
        reply.hijack();
        stream(reply.raw, query, shown);
        return;
      }
      const { skip, limit } = request.query;
      const wish = listingWish(request.query);
      const { items, counts } =
        wish === null ? { items: query.rows, counts: null } : await sorted(query, wish, running);
      const to = Math.min(items.length, skip + limit);
      const head = { ...stateOf(query), total: items.length, counts };
      reply.type('application/json; charset=utf-8');
      return reply.send(Readable.from(page(head, items.slice(skip, to), shown), { objectMode: false }));
    },
    { exposeHeadRoute: false },
  );
}

function stateOf({ id, query, mode, time, rows, end }: RunningQuery) {
  return {
    queryId: id,
    query,
    mode,
    time: new Date(time).toISOString(),
    state: end === null ? 'running' : end.failure === null ? 'done' : 'failed',
    total: rows.length,
    counts: null,
    answered: end?.answered ?? 0,
    missed: end?.missed ?? 0,
    problem: end?.failure == null ? null : problemOf(end.failure),
  };
}

type ShowHits = (rows: readonly (readonly Hit[])[]) => readonly ShownHit[];

function stream(response: ServerResponse, query: RunningQuery, shown: ShowHits): void {
  let sent = 0;
  let isEnded = false;
  const wake = sendEvents(response, () => {
    if (isEnded) return undefined;
    // One that changed again meanwhile is sent once, in its current state.
    const changed = new Set(query.changes.slice(sent, sent + hitsPerWrite));
    if (changed.size > 0) {
      const to = Math.min(query.changes.length, sent + hitsPerWrite);
      const hits = shown([...changed].flatMap((place) => [query.rows[place] ?? []])).map(
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

interface Kept {
  readonly key: string;
  readonly changes: number;
  readonly listing: Promise<Listing<readonly Hit[]>>;
}

/** The last order of each query, for its next pages. */
const orders = new WeakMap<RunningQuery, Kept>();

function sorted(query: RunningQuery, wish: ListingWish, peer: Peer): Promise<Listing<readonly Hit[]>> {
  const key = JSON.stringify(wish);
  const kept = orders.get(query);
  if (kept?.key === key && kept.changes === query.changes.length) return kept.listing;
  const listing = listed([...query.rows], factsOf, wish, listedPeers(peer));
  orders.set(query, { key, changes: query.changes.length, listing });
  return listing;
}

function factsOf(holders: readonly Hit[]): ListedFacts {
  const { name, type, size, time } = holders[0]!;
  const copies = holders.reduce((most, one) => Math.max(most, one.copies ?? (one.isShared ? 1 : 0)), 0);
  return { name, type, size, time, copies, publishers: holders.map(({ source }) => source.host) };
}

/** Hits are serialised as the client reads. */
function* page(head: object, rows: readonly (readonly Hit[])[], shown: ShowHits): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"hits":[`;
  for (let at = 0; at < rows.length; at += hitsPerWrite) {
    const hits = shown(rows.slice(at, at + hitsPerWrite)).map((hit) => JSON.stringify(hit));
    yield (at === 0 ? '' : ',') + hits.join(',');
  }
  yield ']}';
}
