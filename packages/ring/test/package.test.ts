/** The packed package, installed by itself, does what its README shows. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const ring = path.join(import.meta.dirname, '..');
const root = path.join(ring, '../..');
const example = readFileSync(path.join(ring, 'examples/lookup.ts'), 'utf8');

test('C3 the example of the README is examples/lookup.ts, word for word', () => {
  const blocks = [...readFileSync(path.join(ring, 'README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  assert.deepEqual(
    blocks.map((block) => block[1]),
    [example],
  );
});

test('C3 the packed ring installs alone in an empty folder, has its types, and runs the example', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'chordial-ring-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => path.join(folder, name);
  const run = (command: string, args: readonly string[], cwd: string): string =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  // A copy is packed: meanwhile the entries of package.json lead to dist, which tests that run beside this one must not see.
  mkdirSync(at('source/packages'), { recursive: true });
  cpSync(ring, at('source/packages/ring'), { recursive: true });
  cpSync(path.join(root, 'tsconfig.json'), at('source/tsconfig.json'));
  symlinkSync(path.join(root, 'node_modules'), at('source/node_modules'));
  const [packed] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', folder], at('source/packages/ring')),
  ) as [{ readonly filename: string; readonly files: readonly { readonly path: string }[] }];
  const files = packed.files.map((file) => file.path);
  for (const file of ['README.md', 'SPEC.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'dist/testing.js']) {
    assert.ok(files.includes(file), `${file} is not in the package`);
  }
  assert.deepEqual(
    files.filter((file) => /^(?:src|simulator|examples|test)\/|(?<!\.d)\.ts$/.test(file)),
    [],
  );
  const restored = readFileSync(at('source/packages/ring/package.json'), 'utf8');
  assert.equal(restored, readFileSync(path.join(ring, 'package.json'), 'utf8'), 'packing puts package.json back');

  const place = at('place');
  mkdirSync(place);
  const manifest = { private: true, type: 'module', dependencies: { '@chordial/ring': `file:../${packed.filename}` } };
  writeFileSync(path.join(place, 'package.json'), JSON.stringify(manifest));
  writeFileSync(path.join(place, 'example.ts'), example);
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts'], place);
  const strict = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
  ];
  run('tsc', [...strict, '--typeRoots', path.join(root, 'node_modules/@types'), 'example.ts'], place);
  const told = run(process.execPath, ['example.ts'], place);
  assert.match(
    told,
    /^ben joined: ok\ncleo joined: ok\ndan joined: ok\ndan owns the key, \d hops?\ndan died; now ben owns/,
  );
});
