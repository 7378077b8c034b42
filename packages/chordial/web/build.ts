/** Builds the page into web/dist, with a brotli copy of each file; the peer serves both unchanged. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'esbuild';

const [flag] = process.argv.slice(2);
if (flag !== undefined) {
  const isHelp = flag === '--help' || flag === '-h';
  const usage = 'usage: npm run page\nbuilds the page into web/dist';
  console[isHelp ? 'log' : 'error'](isHelp ? usage : `page: ${flag} is not known\n${usage}`);
  process.exit(isHelp ? 0 : 2);
}

const folder = import.meta.dirname;
const target = path.join(folder, 'dist');

rmSync(target, { recursive: true, force: true });
mkdirSync(target);
cpSync(path.join(folder, 'public'), target, { recursive: true });

const { metafile } = await build({
  entryPoints: [path.join(folder, 'src/main.tsx'), path.join(folder, 'src/style.css')],
  outdir: path.join(target, 'assets'),
  // Names contain a content hash, so browsers may cache the files indefinitely.
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

/** What the door serves for sealed links: a page and its service worker, which no other origin loads. */
for (const [entry, splitting] of [
  ['opener', true],
  // A worker of one file: not every browser takes modules there.
  ['opener-worker', false],
] as const) {
  await build({
    entryPoints: [path.join(folder, `src/door/${entry}.ts`)],
    outdir: path.join(target, 'door'),
    bundle: true,
    splitting,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    legalComments: 'none',
    logLevel: 'warning',
  });
}

/** The worker that takes what other programs share with the page; its name is fixed, since browsers look for a newer one there. */
await build({
  entryPoints: [path.join(folder, 'src/share-worker.ts')],
  outdir: target,
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2022'],
  legalComments: 'none',
  logLevel: 'warning',
});

let html = readFileSync(path.join(folder, 'index.html'), 'utf8');
const entries: string[] = [];
for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint === undefined || !/\bsrc\/(main\.tsx|style\.css)$/.test(entryPoint)) continue;
  const source = `/src/${path.basename(entryPoint)}`;
  entries.push(file);
  const built = `/assets/${path.basename(file)}`;
  if (!html.includes(`"${source}"`)) throw new Error(`web/index.html does not load ${source}`);
  html = html.replace(`"${source}"`, `"${built}"`);
}
writeFileSync(path.join(target, 'index.html'), html);

/** What a browser needs for the first view: the entries and what they import at once. */
const first = new Set<string>(['index.html']);
const visit = (file: string): void => {
  if (first.has(path.basename(file))) return;
  first.add(path.basename(file));
  for (const { path: imported, kind } of metafile.outputs[file]?.imports ?? [])
    if (kind === 'import-statement') visit(imported);
};
for (const file of entries) visit(file);

/** Of the first view, of the page with all views, and of the door. */
const compressedBytes = { first: 0, page: 0, door: 0 };
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = path.join(entry.parentPath, entry.name);
  const bytes = brotliCompressSync(readFileSync(file), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  writeFileSync(`${file}.br`, bytes);
  compressedBytes[path.basename(entry.parentPath) === 'door' ? 'door' : 'page'] += bytes.length;
  if (first.has(entry.name)) compressedBytes.first += bytes.length;
}
/** All must also load over slow links. */
const maxCompressedBytes = { first: 60_000, page: 200_000, door: 100_000 };
for (const part of ['first', 'page', 'door'] as const) {
  const [bytes, most] = [compressedBytes[part], maxCompressedBytes[part]];
  if (bytes > most)
    throw new Error(
      `The ${part === 'first' ? 'first view' : part} is ${bytes} bytes compressed; at most ${most} are allowed.`,
    );
}
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `The page is built: ${kilobytes(compressedBytes.page)} compressed in all, of which ${kilobytes(compressedBytes.first)} for the first view, and ${kilobytes(compressedBytes.door)} for sealed links at a door.`,
);
