/** Files and folders as one ZIP: the list is given first, so that what is wrong is said before a download begins. */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Milliseconds } from '@chordial/ring';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type PartOf, zipParameter } from '../client/operations.ts';
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import { disposition } from '../http/file-bytes.ts';
import { type ZipMeasure, type ZipPart, Zips } from '../http/zips.ts';
import { systemClock } from '../network/system-clock.ts';
import { type FileReference, type Files, fileAttributesOf } from '../transfer/files.ts';
import { checkIsOpen } from '../transfer/seals.ts';
import type { ApiContext } from './context.ts';
import { maxListBytes, serve } from './serve.ts';

/** Some 500 bytes for each file. */
const maxZipsKept = 32;
const zipKeptMilliseconds: Milliseconds = 60 * 60 * 1000;
const maxResolvedAtOnce = 16;

type Wanted = PartOf<'POST /api/v1/zips', 'body'>['files'][number];

interface KeptZip {
  readonly id: string;
  readonly name: string;
  readonly parts: readonly ZipPart[];
  readonly measure: ZipMeasure;
  readonly until: Milliseconds;
}

export function zipRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  const zips = new Zips();
  /** Oldest first. */
  const kept = new Map<string, KeptZip>();

  serve(
    app,
    'POST /api/v1/zips',
    async ({ body }, reply) => {
      const { files } = peer();
      const signal = closing(reply);
      const parts = await partsOf(files, body.files, signal);
      const measure = await zips.length(files, parts, signal);
      const id = randomBytes(12).toString('base64url');
      const name = body.name === undefined ? zipName(parts) : checkName(body.name);
      const now = systemClock.now();
      for (const [one, { until }] of kept) if (until <= now || kept.size >= maxZipsKept) kept.delete(one);
      kept.set(id, { id, name, parts, measure, until: now + zipKeptMilliseconds });
      const expires = new Date(Date.now() + zipKeptMilliseconds).toISOString();
      return reply
        .code(201)
        .header('Location', `/api/v1/zips/${id}`)
        .send({ id, name, ...measure, expires });
    },
    { bodyLimit: maxListBytes },
  );

  const schema = {
    summary: 'The ZIP of a list',
    params: zipParameter,
    produces: ['application/zip'],
  };
  app.route<{ Params: { id: string } }>({
    method: ['GET', 'HEAD'],
    url: '/api/v1/zips/:id',
    schema,
    handler: async (request, reply) => {
      const { files } = peer();
      const signal = closing(reply);
      const zip = kept.get(request.params.id);
      if (zip === undefined || zip.until <= systemClock.now())
        throw new ChordialError('not-found', 'This ZIP is no longer known. Make the list of its files again.');
      reply.type('application/zip').header('Content-Disposition', disposition(zip.name));
      reply.header('Content-Length', String(zip.measure.bytes)).header('Cache-Control', 'no-store');
      reply
        .header('Content-Security-Policy', "sandbox; default-src 'none'")
        .header('X-Content-Type-Options', 'nosniff');
      if (request.method === 'HEAD') return reply.send();
      try {
        return reply.send(await zips.stream(files, zip.parts, zip.measure, signal));
      } catch (error) {
        reply.removeHeader('Content-Disposition').removeHeader('Content-Length');
        throw error;
      }
    },
  });
}

/** Resolved, with names that differ, in the order given. Throws what resolving throws. */
async function partsOf(files: Files, wanted: readonly Wanted[], signal: AbortSignal): Promise<readonly ZipPart[]> {
  const parts: ZipPart[] = [];
  await forEachConcurrently(wanted.entries(), maxResolvedAtOnce, async ([place, one]) => {
    if (signal.aborted) throw new ChordialError('body-cut-off', 'Who asked for this ZIP has left.');
    const entry = await files.resolve(referenceOf(one));
    checkIsOpen(entry, undefined);
    const { modified, executable } = fileAttributesOf(entry);
    parts[place] = {
      cid: entry.cid,
      name: checkName(one.name ?? entry.name ?? entry.cid),
      type: entry.type,
      size: entry.size,
      modified: modified ?? (entry.time === null ? Date.now() : Date.parse(entry.time)),
      executable,
      ...(entry.sealed ? { sealed: entry } : {}),
    };
    // Local ones would keep other work waiting.
    if (place % 64 === 63) await setImmediate();
  });
  return withOwnNames(parts);
}

function referenceOf({ cid, name, publisher, isOpened }: Wanted): FileReference {
  if (cid !== undefined) return { cid: parseCid(cid).toString(), ...(isOpened === undefined ? {} : { isOpened }) };
  if (name === undefined) throw new ChordialError('bad-request', 'A file of the list has neither a CID nor a name.');
  return { name: checkName(name), ...(publisher === undefined ? {} : { publisher }) };
}

/** A second one of a name is numbered: on some systems names that differ in case alone are the same. */
function withOwnNames(parts: readonly ZipPart[]): readonly ZipPart[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return parts.map((part) => {
    let { name } = part;
    const key = name.toLowerCase();
    let count = counts.get(key) ?? 1;
    while (taken.has(name.toLowerCase())) {
      count += 1;
      name = numbered(part.name, count);
    }
    counts.set(key, count);
    taken.add(name.toLowerCase());
    return { ...part, name };
  });
}

function numbered(name: string, count: number): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? `${name} (${count})` : `${name.slice(0, dot)} (${count})${name.slice(dot)}`;
}

function zipName([first]: readonly ZipPart[]): string {
  return `${first?.name ?? 'files'}.zip`;
}

/** Who asks has left. */
function closing(reply: FastifyReply): AbortSignal {
  const given = new AbortController();
  reply.raw.once('close', () => given.abort());
  return given.signal;
}
