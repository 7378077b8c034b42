import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, packageOf } from './imports.ts';
import { circles, directionFaults } from './rooms.ts';
import { repositoryFiles, type SourceFile, typescript } from './source-tree.ts';

const files = typescript(repositoryFiles());

function file(path: string, text: string): SourceFile {
  return { path, text };
}

test('imports between rooms go downward only', () => {
  assert.deepEqual(directionFaults(files), []);
});

test('no file imports itself by a circle', () => {
  assert.deepEqual(circles(files), []);
});

test('every relative import names a file of the repository', () => {
  const known = new Set(repositoryFiles().map((entry) => entry.path));
  const missing = files.flatMap((entry) =>
    importsOf(entry)
      .filter(({ file: target }) => target !== null && !known.has(target))
      .map(({ file: target }) => `${entry.path} → ${target}`),
  );
  assert.deepEqual(missing, []);
});

test('the check of directions finds an upward import, however it is written', () => {
  for (const text of [
    "import { x } from '../api/server.ts';",
    "import type { X } from '../api/server.ts';",
    "import {\n  x,\n  y,\n} from '../api/server.ts';",
    "export { x } from '../api/server.ts';",
    "export * from '../api/server.ts';",
    "import '../api/server.ts';",
    "const x = await import('../api/server.ts');",
    "type X = import('../api/server.ts').X;",
  ]) {
    assert.equal(directionFaults([file('src/ring/a.ts', text)]).length, 1, text);
  }
  assert.deepEqual(directionFaults([file('src/api/a.ts', "import { x } from '../ring/b.ts';")]), []);
  assert.deepEqual(directionFaults([file('src/ring/a.ts', "// import { x } from '../api/server.ts';")]), []);
});

test('the check of directions knows what lies outside the sources', () => {
  const simulator = "import { x } from '../../simulation/run.ts';";
  assert.equal(directionFaults([file('src/ring/a.ts', simulator)]).length, 1);
  assert.equal(directionFaults([file('src/cli/start.ts', simulator)]).length, 1);
  assert.deepEqual(directionFaults([file('src/cli/simulate.ts', simulator)]), []);
  assert.equal(directionFaults([file('src/node/a.ts', "import { x } from '../../test/run.ts';")]).length, 1);
  assert.equal(directionFaults([file('src/attic/a.ts', 'let x;')]).length, 1);
});

test('the check of circles finds a short and a long one, once each', () => {
  const long = [
    file('src/ring/a.ts', "import { b } from './b.ts';"),
    file('src/ring/b.ts', "import { c } from './c.ts';"),
    file('src/ring/c.ts', "import type { a } from './a.ts';"),
    file('src/ring/d.ts', "import { e } from './e.ts';"),
    file('src/ring/e.ts', "import { d } from './d.ts';"),
  ];
  assert.deepEqual(circles(long), [
    'src/ring/a.ts → src/ring/b.ts → src/ring/c.ts → src/ring/a.ts',
    'src/ring/d.ts → src/ring/e.ts → src/ring/d.ts',
  ]);
});

test('the package of a specifier', () => {
  assert.equal(packageOf('multiformats/cid'), 'multiformats');
  assert.equal(packageOf('@ipld/dag-pb/x'), '@ipld/dag-pb');
  assert.equal(packageOf('node:fs'), null);
  assert.equal(packageOf('./a.ts'), null);
});
