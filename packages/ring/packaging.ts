/**
 * Before and after `npm pack`: compiles src to dist and lets `exports` lead there, then puts package.json back and takes
 * dist away. In the repository the entries are the sources, which Node runs as they are; it strips no types under
 * node_modules, so the package carries JavaScript.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const at = (name: string): string => path.join(import.meta.dirname, name);
const manifest = at('package.json');
const kept = at('package.json.source');

if (process.argv[2] === 'after') {
  renameSync(kept, manifest);
  rmSync(at('dist'), { recursive: true });
} else {
  rmSync(at('dist'), { recursive: true, force: true });
  execFileSync('tsc', ['-p', at('tsconfig.build.json')], { stdio: ['ignore', 2, 2] });
  const source = readFileSync(manifest, 'utf8');
  const {
    scripts: _,
    exports,
    ...rest
  } = JSON.parse(source) as {
    readonly scripts: unknown;
    readonly exports: Readonly<Record<string, string>>;
  };
  // The simulator stays in the repository.
  const shipped = Object.entries(exports).filter(([, file]) => file.startsWith('./src/'));
  const entries = shipped.map(([name, file]) => {
    const compiled = file.replace('./src/', './dist/').replace(/\.ts$/, '');
    return [name, { types: `${compiled}.d.ts`, default: `${compiled}.js` }] as const;
  });
  writeFileSync(kept, source);
  writeFileSync(manifest, `${JSON.stringify({ ...rest, exports: Object.fromEntries(entries) }, null, 2)}\n`);
}
