/** The built pages, of the peer and of its door: read once, served from memory. Their files are few and small, and their names come from the build. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { evaluateConditions } from './conditions.ts';

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Brotli of the same bytes. */
  readonly compressed: Buffer;
  /** The ETag without quotes. */
  readonly tag: string;
  /** The name contains a content hash, so the file never changes. */
  readonly isForever: boolean;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
};

/** By path from the root of the page, such as `assets/index-1a2b.js`; empty when the page was not built. */
export function readPage(folder: string | null = pageFolder()): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  if (folder === null) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = types[path.extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, file).split(path.sep).join('/');
    const bytes = readFileSync(file);
    files.set(name, {
      type,
      bytes,
      compressed: readFileSync(`${file}.br`),
      tag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
      isForever: name.startsWith('assets/'),
    });
  }
  return files;
}

/** Beside the sources, or beside the bundle of the installed package. */
function pageFolder(): string | null {
  const here = import.meta.dirname;
  const places = [path.join(here, '../../web/dist'), path.join(here, '../web')];
  return places.find((place) => existsSync(path.join(place, 'index.html.br'))) ?? null;
}

export function sendPageFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  const { type, bytes, compressed, tag, isForever } = file;
  reply.header('ETag', `"${tag}"`).header('Vary', 'Accept-Encoding').header('X-Content-Type-Options', 'nosniff');
  reply.header('Cache-Control', isForever ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (evaluateConditions(request, { cid: tag, time: null }) === 'unchanged') return reply.code(304).send();
  // Browsers offer brotli without TLS on loopback only.
  const takesBrotli = /\bbr\b/.test(request.headers['accept-encoding']?.toString() ?? '');
  if (takesBrotli) reply.header('Content-Encoding', 'br');
  return reply.type(type).send(takesBrotli ? compressed : bytes);
}
