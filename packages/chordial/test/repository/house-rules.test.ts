import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultExports, emptyFileNames, machineTraces, stilted, stiltedWords, unfinishedWork } from './house-rules.ts';
import { repositoryFiles, type SourceFile } from './source-tree.ts';

const files = repositoryFiles();

function file(path: string, text = ''): readonly SourceFile[] {
  return [{ path, text }];
}

test('files are named after what they hold', () => {
  assert.deepEqual(emptyFileNames(files), []);
  for (const name of [
    'packages/chordial/src/utils/a.ts',
    'packages/chordial/src/ring/helpers.ts',
    'packages/chordial/src/ring/peer-manager.ts',
    'packages/chordial/src/common.ts',
    'packages/chordial/src/misc.ts',
  ]) {
    assert.equal(emptyFileNames(file(name)).length, 1, name);
  }
  assert.deepEqual(emptyFileNames(file('packages/chordial/src/ring/commonality.ts')), []);
});

test('there are no default exports', () => {
  assert.deepEqual(defaultExports(files), []);
  assert.equal(defaultExports(file('packages/chordial/src/a.ts', 'export default class {}')).length, 1);
  assert.equal(defaultExports(file('packages/chordial/src/a.ts', 'export { x as default };')).length, 1);
  assert.deepEqual(defaultExports(file('packages/chordial/src/a.ts', '// export default x')), []);
});

test('nothing is left unfinished and no test is skipped', () => {
  assert.deepEqual(unfinishedWork(files), []);
  const calls = ['test', 'describe', 'it'].flatMap((call) =>
    ['skip', 'only', 'todo'].map((how) => `${call}.${how}(f);`),
  );
  for (const text of ['// TODO later', ...calls]) {
    assert.equal(unfinishedWork(file('packages/chordial/src/ring/a.test.ts', text)).length, 1, text);
  }
});

test('comments, messages and pages use plain words', () => {
  assert.deepEqual(stilted(files), []);
  for (const word of stiltedWords) {
    assert.equal(stilted(file('a.md', `A sentence that uses ${word} is reported.`)).length, 1, word);
    assert.equal(
      stilted(file('packages/chordial/src/a.ts', `// ${word.toUpperCase()} in a comment, and ${word} again`)).length,
      2,
      word,
    );
  }
  assert.deepEqual(stilted(file('a.md', 'Run as the Unix user nobody. I recommend that; mendicants do not.')), []);
});

test('no file names a machine, a home folder or a package registry', () => {
  assert.deepEqual(machineTraces(files), []);
  const registry = ['https://', 'registry', '.example.org/x'].join('');
  const home = ['', 'home', 'ann', 'x'].join('/');
  assert.equal(machineTraces(file('a.md', registry)).length, 1);
  assert.equal(machineTraces(file('a.md', `see ${home}`)).length, 1);
  assert.equal(machineTraces(file('a.md', 'the clone of x.y'), [{ what: 'x', pattern: /x\.y/ }]).length, 1);
});
