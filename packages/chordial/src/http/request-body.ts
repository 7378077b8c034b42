/** Request bodies as streams, and the headers that would change their meaning. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';

/** Pending answers to `Expect: 100-continue`. */
const expecting = new WeakMap<IncomingMessage, ServerResponse>();

/** `100 Continue` is sent when the body is first read: a refused one is never sent. */
export function answerExpectations(app: FastifyInstance): void {
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    expecting.set(request, response);
    app.server.emit('request', request, response);
  });
  app.addHook('preParsing', async (request, _reply, payload) => {
    const isParsed = /^application\/json\b/i.test(request.headers['content-type'] ?? '');
    if (isParsed) askForBody(request.raw);
    return payload;
  });
}

function askForBody(request: IncomingMessage): void {
  expecting.get(request)?.writeContinue();
  expecting.delete(request);
}

/**
 * Throws for a body that is not the plain bytes: a part of a file (RFC 9110, section 14.5), a content coding, a
 * transfer coding besides `chunked`.
 */
export function checkBodyHeaders({ method, headers }: FastifyRequest, reply: FastifyReply): void {
  const place = `The body of this ${method}`;
  if (headers['content-range'] !== undefined) {
    throw new ChordialError(
      'bad-request',
      `${place} has a Content-Range (${shown(headers['content-range'])}), and partial puts are not supported: nothing was changed. Send the whole, or use a resumable upload (POST /api/v1/uploads).`,
    );
  }
  const coding = headers['content-encoding'] ?? '';
  if (!coding.split(',').every((one) => /^(?:identity)?$/i.test(one.trim()))) {
    reply.header('Accept-Encoding', 'identity');
    throw new ChordialError(
      'unsupported-type',
      `${place} has the Content-Encoding ${shown(coding)}, which is not decoded here. Send the bytes as they are to be stored, without that header.`,
    );
  }
  const transfer = headers['transfer-encoding'];
  if (transfer !== undefined && transfer.trim().toLowerCase() !== 'chunked') {
    throw new ChordialError(
      'unsupported-coding',
      `${place} has the Transfer-Encoding ${shown(transfer)}; only chunked is understood. Send it with that, or with a Content-Length.`,
    );
  }
}

/** Throws `unsupported-type` for a form or multipart body, whose framing would be stored with the bytes. */
export function checkNotMultipart({ headers }: FastifyRequest, remedy: string): void {
  const type = headers['content-type'] ?? '';
  if (!/^\s*multipart\//i.test(type)) return;
  throw new ChordialError('unsupported-type', `The body is ${shown(type)}, whose framing would be stored. ${remedy}`);
}

function shown(header: string): string {
  return JSON.stringify(header.slice(0, 100));
}

/** The bytes of the body; throws `body-cut-off` where Node only says "aborted". */
export async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  let received = 0;
  askForBody(request);
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
    `The body ended after ${received} bytes, before it was complete; nothing was published. Send it again: blocks that arrived are not stored twice.`,
    { cause },
  );
}
