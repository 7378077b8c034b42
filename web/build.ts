/** Builds the page into web/dist, with a brotli copy of each file beside it: the peer sends these as they are. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'vite';

const folder = import.meta.dirname;
const target = path.join(folder, 'dist');

await build({
  configFile: false,
  root: folder,
  logLevel: 'warn',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: target,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});

let compressed = 0;
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = path.join(entry.parentPath, entry.name);
  const bytes = brotliCompressSync(readFileSync(file), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  writeFileSync(`${file}.br`, bytes);
  compressed += bytes.length;
}
console.log(`The page is built: ${(compressed / 1000).toFixed(1)} kB compressed in all.`);
