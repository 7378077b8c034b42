/**
 * Writes dist/program: the command line, the peer and all that they need in a few minified files, and each worker thread in one of its
 * own beside them. Loading hundreds of files takes a peer a quarter of a second of CPU at each start and 9 MB for as long as it runs.
 *
 * Names are kept short and lines long; the source maps beside them lead back from a stack (`node --enable-source-maps`).
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { argumentsOf } from '../simulation/command-line.ts';

const usage = `usage: npm run build -w chordial [-- --to FOLDER]
writes the bundle of the package to dist; with --to the package that runs, launcher and all, to a folder`;
const { values } = argumentsOf(usage, { options: { to: { type: 'string' } } });

const root = path.join(import.meta.dirname, '..');
const place = values.to === undefined ? root : path.resolve(values.to);
const target = path.join(place, 'dist');
/** Flat, so that a program finds its workers beside itself whichever file it is in. */
const program = path.join(target, 'program');
const entries = [
  'src/cli/main.ts',
  'src/content/hash-worker.ts',
  'src/search/expression-worker.ts',
  'src/sharing/whole-hash-worker.ts',
];
/** What packages in the old module format expect to find. */
const commonJs = `import{createRequire as $require}from'node:module';const require=$require(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;`;

rmSync(target, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: entries,
  outdir: program,
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: ['node24.9'],
  banner: { js: commonJs },
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});
cpSync(path.join(root, 'web/dist'), path.join(target, 'web'), { recursive: true });
if (place !== root)
  for (const name of ['bin', 'package.json'])
    cpSync(path.join(root, name), path.join(place, name), { recursive: true });
writeFileSync(path.join(target, 'LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)));

/** The licences of the packages whose code is in the bundle. */
function licensesOf(files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
    return `${name} ${version}: ${license}\n\n${textIn(path.join(root, folder))}`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n`);
}

function textIn(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8');
}
