/** Server-sent events: what happens at this peer, as it happens. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { ApiContext } from './context.ts';
import type { EventLog, NumberedEvent } from './event-log.ts';
import * as schemas from './schemas.ts';

const maximumListeners = 64;
/** A listener that leaves so much unread is cut off; it comes back and asks for what it missed. */
const maximumUnreadBytes = 1024 * 1024;
/** Proxies and the idle limit of the server cut silent connections. */
const heartbeatMilliseconds = 15_000;
const maximumEventsOfBefore = 512;

interface EventsRoute {
  Querystring: { last: number };
}

export function eventRoutes(app: FastifyInstance, { events }: ApiContext): void {
  const schema = {
    summary: 'Events as they happen; an event `reset` says that some were missed for good: read the state anew',
    reads: { 'Last-Event-ID': 'Goes on after this event' },
    querystring: schemas.query({
      last: {
        type: 'integer',
        minimum: 0,
        maximum: maximumEventsOfBefore,
        default: 0,
        description: 'Begins with so many events of before, unless Last-Event-ID says where to go on',
      },
    }),
    produces: ['text/event-stream'],
  };
  app.get<EventsRoute>('/api/v1/events', { schema, exposeHeadRoute: false }, async (request, reply) => {
    if (events.listeners >= maximumListeners) {
      throw new ChordialError(
        'busy',
        `There are ${maximumListeners} listeners already, which is the limit. Close a page or ask again later.`,
      );
    }
    const last = request.headers['last-event-id'] || undefined;
    const before = typeof last === 'string' ? events.after(last) : events.last(request.query.last);
    reply.hijack();
    stream(reply.raw, events, typeof last === 'string' && !events.has(last), before);
  });
}

function stream(response: ServerResponse, events: EventLog, isReset: boolean, before: readonly NumberedEvent[]): void {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  const write = (text: string) => {
    if (response.writableLength > maximumUnreadBytes) response.destroy();
    else response.write(text);
  };
  write(': the events of this peer\n\n');
  if (isReset) write('event: reset\ndata: {}\n\n');
  for (const earlier of before) write(frame(earlier));
  const stop = events.listen(
    (event) => write(frame(event)),
    () => response.end(),
  );
  const heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMilliseconds);
  response.once('close', () => {
    clearInterval(heartbeat);
    stop();
  });
}

/** JSON holds no line break, so one data line is enough. */
function frame({ id, event }: NumberedEvent): string {
  return `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;
}
