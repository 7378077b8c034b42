/** Server-sent events, written only as fast as the client takes them: what it has not taken yet is not made yet. */
import type { ServerResponse } from 'node:http';

/** What comes next: text, null when there is nothing now, undefined when there never will be. */
export type NextEvents = () => string | null | undefined;

/** Begins the answer; the function given back is to be called when there may be something new. */
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
  /** Others are served in between. */
  const wake = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    if (response.writableNeedDrain) response.once('drain', write);
    else setImmediate(write);
  };
  return wake;
}
