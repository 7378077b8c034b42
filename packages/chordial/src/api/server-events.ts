/** Server-sent events with backpressure: text is produced only as fast as the client reads. */
import type { ServerResponse } from 'node:http';

/** The next text, null when there is none now, undefined at the end. */
export type NextEvents = () => string | null | undefined;

/** Starts the response; call the returned function when there may be something new. */
export function sendEvents(response: ServerResponse, next: NextEvents): () => void {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  let isWaiting = false;
  const write = (): void => {
    isWaiting = false;
    if (response.closed || response.writableEnded) return;
    const text = next();
    if (text === undefined) response.end();
    if (text === null || text === undefined) return;
    response.write(text);
    wake();
  };
  /** Yields to other work. */
  const wake = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    if (response.writableNeedDrain) response.once('drain', write);
    else setImmediate(write);
  };
  return wake;
}
