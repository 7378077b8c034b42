import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../results.ts';
import { dependencyFaults, type Manifest, pinnedPlaces } from './packages.ts';
import { repositoryFiles } from './source-tree.ts';

function read(name: string): string {
  return readFileSync(path.join(root, name), 'utf8');
}

test('every dependency is used, and everything used is a dependency', () => {
  assert.deepEqual(dependencyFaults(JSON.parse(read('package.json')) as Manifest, repositoryFiles()), []);
});

test('the check of dependencies finds the unused, the undeclared and the wrongly placed', () => {
  const manifest: Manifest = { dependencies: { a: '1', b: '1' }, devDependencies: { d: '1', '@types/x__y': '1' } };
  const files = [
    { path: 'src/ring/a.ts', text: "import { a } from 'a';\nimport { d } from 'd';\nimport { y } from '@x/y/z';" },
    { path: 'test/a.test.ts', text: "import { b } from 'b';\nimport { z } from 'z';" },
  ];
  assert.deepEqual(dependencyFaults(manifest, files), [
    'dependency b: no shipped file imports it',
    'shipped code imports d: not a dependency',
    'shipped code imports @x/y: not a dependency',
    'tests import z: not in package.json',
  ]);
  assert.deepEqual(dependencyFaults({ devDependencies: { e: '1' } }, []), ['devDependency e: nothing uses it']);
});

test('the lock file pins no place to download from', () => {
  assert.deepEqual(pinnedPlaces(read('package-lock.json')), []);
  assert.equal(pinnedPlaces('{"packages":{"node_modules/a":{"resolved":"http://x/a.tgz"}}}').length, 1);
});

test('the launcher asks for the Node that package.json asks for', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
  const launcher = read('bin/chordial');
  const major = /^needed_major=(\d+)$/m.exec(launcher)?.[1];
  const minor = /^needed_minor=(\d+)$/m.exec(launcher)?.[1];
  assert.equal(engines.node, `>=${major}.${minor}.0`);
});
