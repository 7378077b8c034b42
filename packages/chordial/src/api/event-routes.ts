/** Server-sent events of this peer, live. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { fields } from '../client/schema.ts';
import { ChordialError } from '../errors.ts';
import type { ApiContext } from './context.ts';
import type { EventLog, NumberedEvent } from './event-log.ts';
import { sendEvents } from './server-events.ts';

const maxListeners = 64;
/** A client that reads nothing for this long is disconnected; it reconnects and asks for what it missed. */
const maxUntakenMilliseconds = 5 * 60 * 1000;
const eventsPerWrite = 32;
/** Proxies and the idle limit of the server close silent connections. */
const heartbeatMilliseconds = 15_000;
const maxEventsOfBefore = 512;

interface EventsRoute {
  Querystring: { last: number };
}

export function eventRoutes(app: FastifyInstance, { events }: ApiContext): void {
  const schema = {
    summary: 'Live events; an event `reset` means that some were missed: reload the state',
    reads: { 'Last-Event-ID': 'Goes on after this event' },
    querystring: fields({
      last: {
        type: 'integer',
        minimum: 0,
        maximum: maxEventsOfBefore,
        default: 0,
        description: 'Begins with this many earlier events, unless Last-Event-ID is given',
      },
    }),
    produces: ['text/event-stream'],
  };
  app.get<EventsRoute>('/api/v1/events', { schema, exposeHeadRoute: false }, async (request, reply) => {
    if (events.listeners >= maxListeners) {
      throw new ChordialError(
        'busy',
        `There are ${maxListeners} listeners already, which is the limit. Close a page or ask again later.`,
      );
    }
    const last = request.headers['last-event-id'] || undefined;
    const known = last === undefined ? null : events.placeAfter(String(last));
    const isReset = last !== undefined && known === null;
    reply.hijack();
    stream(reply.raw, events, known ?? (isReset ? 0 : events.placeOfLast(request.query.last)), isReset);
  });
}

function stream(response: ServerResponse, log: EventLog, first: number, isReset: boolean): void {
  let at = first;
  let isMissing = isReset;
  let comment: string | null = ': the events of this peer\n\n';
  let isEnded = false;
  let takenAt = performance.now();
  const wake = sendEvents(response, () => {
    takenAt = performance.now();
    if (comment !== null) {
      const text = comment;
      comment = null;
      return text;
    }
    const { events, next, isComplete } = log.from(at, eventsPerWrite);
    at = next;
    isMissing ||= !isComplete;
    if (events.length === 0) return isEnded ? undefined : null;
    const reset = isMissing ? 'event: reset\ndata: {}\n\n' : '';
    isMissing = false;
    return reset + events.map(frame).join('');
  });
  const stop = log.listen(wake, () => {
    isEnded = true;
    wake();
  });
  const heartbeat = setInterval(() => {
    if (performance.now() - takenAt > maxUntakenMilliseconds) response.destroy();
    comment ??= ': still here\n\n';
    wake();
  }, heartbeatMilliseconds);
  response.once('close', () => {
    clearInterval(heartbeat);
    stop();
  });
  wake();
}

/** JSON contains no line break, so one data line suffices. */
function frame({ id, event }: NumberedEvent): string {
  return `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;
}
