/** Own folders that change in place: what is in them, changes, and earlier versions. */
import type { FastifyInstance } from 'fastify';
import { treeEntry } from '../client/answers.ts';
import { nameParameter, treePathQuery } from '../client/operations.ts';
import { fields } from '../client/schema.ts';
import { checkedAttributes } from '../content/attributes.ts';
import { ChordialError } from '../errors.ts';
import type { TreeEntry } from '../folders/folder-trees.ts';
import { shownPath, type TreePath, treePath } from '../folders/tree-path.ts';
import { evaluateConditions } from '../http/conditions.ts';
import { bodyOf, checkNotMultipart } from '../http/request-body.ts';
import type { ApiContext } from './context.ts';
import { pageAfter, serve } from './serve.ts';

const unchanging = { isChanging: false, failure: null } as const;

export function treeRoutes(app: FastifyInstance, { peer }: ApiContext): void {
  serve(app, 'GET /api/v1/trees/{name}', async ({ params, query }) => {
    const { trees } = peer();
    const at = placeOf(params.name, query.path);
    const entry = await trees.entry(at);
    if (entry === null) throw notThere(at);
    const entries: TreeEntry[] = [];
    const after = pageAfter(query.cursor);
    let cursor: string | null = null;
    if (entry.type === 'directory')
      for await (const one of trees.entries(at, after ?? '')) {
        if (entries.length === query.limit) {
          cursor = entries.at(-1)?.name ?? null;
          break;
        }
        entries.push(one);
      }
    const { isChanging, failure } = trees.state(at.folder) ?? unchanging;
    return { entry: shown(entry), entries: entries.map(shown), cursor, isChanging, failure };
  });

  serve(app, 'POST /api/v1/trees/{name}', async ({ params, body }, reply) => {
    const { trees } = peer();
    const at = placeOf(params.name, body.path);
    if (body.action === 'create') await trees.makeFolder(at);
    else {
      if (body.to === undefined)
        throw new ChordialError('bad-request', `"to" says where to ${body.action} it. Give it.`);
      const options = { replaces: body.replace ?? false };
      await trees[body.action](at, treePath(body.to), options);
    }
    return reply.code(204).send();
  });

  serve(app, 'DELETE /api/v1/trees/{name}', async ({ params, query }, reply) => {
    await peer().trees.remove(placeOf(params.name, query.path));
    return reply.code(204).send();
  });

  serve(app, 'GET /api/v1/trees/{name}/versions', async ({ params }) => {
    const versions = await peer().trees.history(params.name);
    return { versions: versions.map(({ time, cid, size }) => ({ time: new Date(time).toISOString(), cid, size })) };
  });

  serve(app, 'POST /api/v1/trees/{name}/restore', async ({ params, body }) => {
    const time = Date.parse(body.time);
    if (Number.isNaN(time))
      throw new ChordialError(
        'bad-request',
        `${JSON.stringify(body.time)} is no time. Give one such as 2026-11-30T12:00:00Z.`,
      );
    const version = await peer().trees.restore(params.name, time);
    return { cid: version.cid, time: new Date(version.time).toISOString() };
  });
}

interface WriteRoute {
  Params: { name: string };
  Querystring: { path: string; modified?: number; executable?: boolean };
}

/** Needs its own scope: bodies are not parsed here, whatever their type. */
export function treeWriteRoutes(scope: FastifyInstance, { peer }: ApiContext): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const schema = {
    summary: 'Writes a file in an own folder; folders on its path are made',
    params: nameParameter,
    querystring: fields(
      {
        path: treePathQuery,
        modified: { type: 'integer', minimum: 0, description: 'Milliseconds since 1970' },
        executable: { type: 'boolean' },
      },
      ['path'],
    ),
    reads: {
      'If-None-Match': '* writes only if nothing is there',
      'If-Match': 'ETags: writes only if one of them is what is there',
    },
    consumes: ['application/octet-stream'],
    response: { 200: treeEntry, 201: treeEntry },
  };
  scope.put<WriteRoute>(
    '/api/v1/trees/:name',
    { schema, config: { handlesConditions: true } },
    async (request, reply) => {
      checkNotMultipart(request, 'Send the bytes of the file alone, as "curl -T FILE URL" does.');
      const { path, modified = null, executable } = request.query;
      const given = new AbortController();
      // A request that was answered has nothing left to abort.
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) given.abort();
      });
      const size = Number(request.headers['content-length'] ?? Number.NaN);
      const attributes = checkedAttributes(modified, executable);
      const { entry, isNew } = await peer().trees.write(placeOf(request.params.name, path), bodyOf(request.raw), {
        makesFolders: true,
        signal: given.signal,
        executable: attributes.executable,
        ...(attributes.modified === null ? {} : { modified: attributes.modified }),
        ...(Number.isSafeInteger(size) ? { size } : {}),
        check: (before) => {
          const current = before?.cid == null ? null : { cid: before.cid, time: null };
          evaluateConditions(request, current);
        },
      });
      return reply
        .code(isNew ? 201 : 200)
        .header('ETag', `"${entry.cid}"`)
        .send(shown(entry));
    },
  );
}

function placeOf(name: string, path = ''): TreePath {
  const below = path.split('/').filter((part) => part !== '');
  return { folder: name, path: below };
}

function shown({ modified, properties: _, ...entry }: TreeEntry) {
  return { ...entry, modified: modified === null ? null : new Date(modified).toISOString() };
}

function notThere(at: TreePath): ChordialError {
  return new ChordialError('not-found', `${shownPath(at)} is not there. See what is with "chordial ls ${at.folder}".`);
}
