/** Conditional requests (RFC 9110, section 13). A route without entity tags refuses conditions instead of ignoring them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import type { FileChoice, FileEntry, FileReference, Files } from '../transfer/files.ts';

/** The current representation; null when there is none. */
export type Current = Pick<FileEntry, 'cid' | 'time'> | null;

/** Set in the `config` of routes that evaluate conditions themselves. */
declare module 'fastify' {
  interface FastifyContextConfig {
    handlesConditions?: boolean;
  }
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export function etagOf({ cid }: Pick<FileEntry, 'cid'>): string {
  return `"${cid}"`;
}

/** The time of an entry as a header, in whole seconds; null for content by address. */
export function lastModifiedOf({ time }: Pick<FileEntry, 'time'>): string | null {
  const milliseconds = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toUTCString();
}

/**
 * For a GET or HEAD: 'send', or 'unchanged' for 304. For other methods 'send' alone. Throws `precondition-failed`.
 * The order is that of section 13.2.2.
 */
export function evaluateConditions(request: FastifyRequest, current: Current): 'send' | 'unchanged' {
  const { headers } = request;
  const match = headers['if-match'];
  const unmodified = secondsOf(headers['if-unmodified-since']);
  if (match !== undefined) {
    // Strong comparison: a weak tag never matches.
    if (!isListed(match, current, false)) throw conditionFailed('If-Match', match, current);
  } else if (unmodified !== null && modifiedSeconds(current) > unmodified) {
    throw conditionFailed('If-Unmodified-Since', headers['if-unmodified-since'] ?? '', current);
  }
  const isSafe = safeMethods.has(request.method);
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) {
    if (!isListed(noneMatch, current, true)) return 'send';
    if (isSafe) return 'unchanged';
    throw conditionFailed('If-None-Match', noneMatch, current);
  }
  const modified = secondsOf(headers['if-modified-since']);
  const changed = modifiedSeconds(current);
  return isSafe && modified !== null && Number.isFinite(changed) && changed <= modified ? 'unchanged' : 'send';
}

export function isConditional({ headers }: FastifyRequest): boolean {
  return conditionHeaders.some((name) => headers[name] !== undefined);
}

const conditionHeaders = ['if-match', 'if-none-match', 'if-unmodified-since'] as const;

/** What a GET of this name would return: this peer's own entry before those of others. */
export async function currentOf(files: Files, reference: FileReference, self: string): Promise<Current> {
  for (const publisher of reference.publisher === undefined ? [self, undefined] : [reference.publisher]) {
    try {
      return await files.resolve({ ...reference, ...(publisher === undefined ? {} : { publisher }) });
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      const [choice] = (error.details['choices'] ?? []) as readonly FileChoice[];
      // Several publishers have it, or another one: it exists in any case.
      if (choice !== undefined) return files.resolve({ ...reference, publisher: choice.publisher });
      if (error.code !== 'not-found') throw error;
    }
  }
  return null;
}

/** Serialises conditional changes of a name, from the evaluation of the condition to the end of the change. */
export class ConditionalChanges {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves when it is this change's turn, with the function that ends it. */
  async turn(name: string): Promise<() => void> {
    const before = this.#last.get(name);
    const ended = Promise.withResolvers<void>();
    this.#last.set(name, ended.promise);
    await before;
    return () => {
      if (this.#last.get(name) === ended.promise) this.#last.delete(name);
      ended.resolve();
    };
  }
}

/** Answers without an entity tag match no tag, and exist. */
export function refuseConditionsElsewhere(app: FastifyInstance): void {
  app.addHook('preHandler', async (request) => {
    if (safeMethods.has(request.method) || request.routeOptions.config.handlesConditions === true) return;
    for (const name of ['if-match', 'if-none-match'] as const) {
      const given = request.headers[name];
      const holds = name === 'if-match' ? given === '*' : given !== '*';
      if (given === undefined || holds) continue;
      throw new ChordialError(
        'precondition-failed',
        `${request.method} ${request.url.split('?', 1)[0]} has no ETag, so the condition ${name}: ${given.slice(0, 100)} cannot hold. Ask without it.`,
      );
    }
  });
  app.addHook('onSend', async (request, reply, body) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return body;
    const match = request.headers['if-match'];
    const isDone = reply.statusCode >= 200 && reply.statusCode < 300;
    if (match === undefined || match === '*' || !isDone || reply.hasHeader('etag')) return body;
    if (typeof body !== 'string' && !Buffer.isBuffer(body)) return body;
    return replaceByProblem(request, reply, match);
  });
}

function replaceByProblem(request: FastifyRequest, reply: FastifyReply, match: string): Promise<never> {
  reply.removeHeader('content-length');
  const place = `${request.method} ${request.url.split('?', 1)[0]}`;
  return Promise.reject(
    new ChordialError(
      'precondition-failed',
      `${place} has no ETag, so the condition If-Match: ${match.slice(0, 100)} cannot hold. Ask without it.`,
    ),
  );
}

/** `*` matches anything that exists. */
function isListed(header: string, current: Current, isWeak: boolean): boolean {
  if (current === null) return false;
  const etag = etagOf(current);
  // A CID contains no comma, so a matching tag is never split.
  return header
    .split(',')
    .map((one) => one.trim())
    .some((one) => one === '*' || one === etag || (isWeak && one === `W/${etag}`));
}

/** Minus infinity for something without a time or absent: conditions on its time are ignored. */
function modifiedSeconds(current: Current): number {
  const time = current?.time == null ? Number.NaN : Date.parse(current.time);
  return Number.isNaN(time) ? Number.NEGATIVE_INFINITY : Math.floor(time / 1000);
}

/** Null for an invalid date, which is to be ignored. */
function secondsOf(header: string | undefined): number | null {
  const time = Date.parse(header ?? '');
  return Number.isNaN(time) ? null : Math.floor(time / 1000);
}

function conditionFailed(name: string, value: string, current: Current): ChordialError {
  const state = current === null ? 'there is nothing here' : `what is here has the ETag ${etagOf(current)}`;
  return new ChordialError(
    'precondition-failed',
    `The condition ${name}: ${value.slice(0, 200)} does not hold: ${state}. Nothing was changed; read it and decide again.`,
  );
}
