/** The bytes that a request brings, as they come. */
import type { IncomingMessage } from 'node:http';
import { ChordialError } from '../errors.ts';

/** The bytes of the body; throws `body-cut-off` where Node says only "aborted". */
export async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  let received = 0;
  try {
    for await (const chunk of request) {
      received += (chunk as Uint8Array).length;
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw cutOff(received, error);
  }
  if (!request.complete) throw cutOff(received);
}

function cutOff(received: number, cause?: unknown): ChordialError {
  return new ChordialError(
    'body-cut-off',
    `The body ended after ${received} bytes, before it was complete; nothing was published. Send it again: what arrived is not stored twice.`,
    { cause },
  );
}
