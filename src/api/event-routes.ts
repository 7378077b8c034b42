/** Server-sent events: what happens at this peer, as it happens. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { ApiContext } from './context.ts';
import type { EventLog, NumberedEvent } from './event-log.ts';

const maximumListeners = 64;
/** A listener that leaves so much unread is cut off; it comes back and asks for what it missed. */
const maximumUnreadBytes = 1024 * 1024;
/** Proxies and the idle limit of the server cut silent connections. */
const heartbeatMilliseconds = 15_000;

export function eventRoutes(app: FastifyInstance, { events }: ApiContext): void {
  const schema = {
    summary: 'Events as they happen; an event `reset` says that some were missed for good: read the state anew',
    reads: { 'Last-Event-ID': 'Goes on after this event' },
    produces: ['text/event-stream'],
  };
  app.get('/api/v1/events', { schema, exposeHeadRoute: false }, async (request, reply) => {
    if (events.listeners >= maximumListeners) {
      throw new ChordialError(
        'busy',
        `There are ${maximumListeners} listeners already, which is the limit. Close a page or ask again later.`,
      );
    }
    const last = request.headers['last-event-id'];
    reply.hijack();
    stream(reply.raw, events, typeof last === 'string' ? last : null);
  });
}

function stream(response: ServerResponse, events: EventLog, last: string | null): void {
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
  if (last !== null && !events.has(last)) write('event: reset\ndata: {}\n\n');
  for (const missed of events.after(last)) write(frame(missed));
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
