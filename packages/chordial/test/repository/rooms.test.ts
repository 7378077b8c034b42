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
    "import { x } from '../../../src/api/server.ts';",
    "import type { X } from '../../../src/api/server.ts';",
    "import {\n  x,\n  y,\n} from '../../../src/api/server.ts';",
    "export { x } from '../../../src/api/server.ts';",
    "export * from '../../../src/api/server.ts';",
    "import '../../../src/api/server.ts';",
    "const x = await import('../../../src/api/server.ts');",
    "type X = import('../../../src/api/server.ts').X;",
  ]) {
    assert.equal(directionFaults([file('packages/ring/src/a.ts', text)]).length, 1, text);
  }
  assert.deepEqual(
    directionFaults([file('packages/chordial/src/api/a.ts', "import { x } from '../content/b.ts';")]),
    [],
  );
  assert.deepEqual(
    directionFaults([file('packages/ring/src/a.ts', "// import { x } from '../../../src/api/server.ts';")]),
    [],
  );
});

test('the check of directions knows what lies outside the sources', () => {
  const simulator = "import { x } from '../../simulation/run.ts';";
  assert.equal(directionFaults([file('packages/chordial/src/content/a.ts', simulator)]).length, 1);
  assert.equal(directionFaults([file('packages/chordial/src/cli/start.ts', simulator)]).length, 1);
  assert.deepEqual(directionFaults([file('packages/chordial/src/cli/simulate.ts', simulator)]), []);
  assert.equal(
    directionFaults([file('packages/chordial/src/peer/a.ts', "import { x } from '../../test/run.ts';")]).length,
    1,
  );
  assert.equal(directionFaults([file('packages/chordial/src/attic/a.ts', 'let x;')]).length, 1);
});

test('the package of the ring imports nothing outside itself, and others import it by its entries', () => {
  const faults = (from: string, specifier: string): number =>
    directionFaults([file(from, `import { x } from '${specifier}';`)]).length;
  for (const specifier of ['lru-cache', '../../../src/errors.ts', '../simulator/run.ts', './testing.ts']) {
    assert.equal(faults('packages/ring/src/a.ts', specifier), 1, specifier);
  }
  for (const specifier of ['./protocol/join.ts', 'node:assert']) {
    assert.equal(faults('packages/ring/src/a.ts', specifier), 0, specifier);
  }
  assert.equal(faults('packages/ring/src/a.test.ts', './testing.ts'), 0);
  assert.equal(faults('packages/ring/simulator/a.ts', '../src/testing.ts'), 0);
  assert.equal(faults('packages/ring/simulator/a.ts', '../../../src/errors.ts'), 1);
  assert.equal(faults('packages/chordial/src/content/a.ts', '@chordial/ring'), 0);
  assert.equal(faults('packages/chordial/src/content/a.ts', '../../packages/ring/src/index.ts'), 1);
  assert.equal(faults('packages/chordial/src/peer/a.ts', '@chordial/ring/simulator'), 1);
  assert.equal(faults('packages/chordial/src/peer/a.test.ts', '@chordial/ring/testing'), 0);
});

test('the check of circles finds a short and a long one, once each', () => {
  const long = [
    file('packages/ring/src/a.ts', "import { b } from './b.ts';"),
    file('packages/ring/src/b.ts', "import { c } from './c.ts';"),
    file('packages/ring/src/c.ts', "import type { a } from './a.ts';"),
    file('packages/ring/src/d.ts', "import { e } from './e.ts';"),
    file('packages/ring/src/e.ts', "import { d } from './d.ts';"),
  ];
  assert.deepEqual(circles(long), [
    'packages/ring/src/a.ts → packages/ring/src/b.ts → packages/ring/src/c.ts → packages/ring/src/a.ts',
    'packages/ring/src/d.ts → packages/ring/src/e.ts → packages/ring/src/d.ts',
  ]);
});

test('the package of a specifier', () => {
  assert.equal(packageOf('multiformats/cid'), 'multiformats');
  assert.equal(packageOf('@ipld/dag-pb/x'), '@ipld/dag-pb');
  assert.equal(packageOf('node:fs'), null);
  assert.equal(packageOf('./a.ts'), null);
});
