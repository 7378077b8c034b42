/** The built page: read once, served from memory. Its files are few and small, and their names come from the build. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

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
