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
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

let html = readFileSync(path.join(folder, 'index.html'), 'utf8');
for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint === undefined) continue;
  const source = `/src/${path.basename(entryPoint)}`;
  const built = `/assets/${path.basename(file)}`;
  if (!html.includes(`"${source}"`)) throw new Error(`web/index.html does not load ${source}`);
  html = html.replace(`"${source}"`, `"${built}"`);
}
writeFileSync(path.join(target, 'index.html'), html);

let compressedBytes = 0;
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = path.join(entry.parentPath, entry.name);
  const bytes = brotliCompressSync(readFileSync(file), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  writeFileSync(`${file}.br`, bytes);
  compressedBytes += bytes.length;
}
/** The page must also load over slow links. */
const maxCompressedBytes = 150_000;
if (compressedBytes > maxCompressedBytes) {
  throw new Error(`The page is ${compressedBytes} bytes compressed; at most ${maxCompressedBytes} are allowed.`);
}
console.log(`The page is built: ${(compressedBytes / 1000).toFixed(1)} kB compressed in all.`);
