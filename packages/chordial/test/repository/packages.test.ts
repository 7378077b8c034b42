import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../results.ts';
import { dependencyFaults, type Manifest, missingFromLock, pinnedPlaces, unpinned } from './packages.ts';
import { repositoryFiles } from './source-tree.ts';

function read(name: string): string {
  return readFileSync(path.join(root, name), 'utf8');
}

const productManifest = 'packages/chordial/package.json';

/** What the product needs, and what the repository needs besides. */
function manifest(): Manifest {
  return { ...(JSON.parse(read('package.json')) as Manifest), ...(JSON.parse(read(productManifest)) as Manifest) };
}

test('every dependency is used, and every import is a dependency', () => {
  assert.deepEqual(dependencyFaults(manifest(), repositoryFiles()), []);
});

test('the check of dependencies finds the unused, the undeclared and the wrongly placed', () => {
  const manifest: Manifest = { dependencies: { a: '1', b: '1' }, devDependencies: { d: '1', '@types/x__y': '1' } };
  const files = [
    {
      path: 'packages/chordial/src/ring/a.ts',
      text: "import { a } from 'a';\nimport { d } from 'd';\nimport { y } from '@x/y/z';",
    },
    { path: 'packages/chordial/test/a.test.ts', text: "import { b } from 'b';\nimport { z } from 'z';" },
  ];
  assert.deepEqual(dependencyFaults(manifest, files), [
    'dependency b: no shipped file imports it',
    'shipped code imports d: not a dependency',
    'shipped code imports @x/y: not a dependency',
    'tests import z: not in package.json',
  ]);
  assert.deepEqual(dependencyFaults({ devDependencies: { e: '1' } }, []), ['devDependency e: nothing uses it']);
});

test('the lock file has no download addresses', () => {
  assert.deepEqual(pinnedPlaces(read('package-lock.json')), []);
  const pinned = { packages: { 'node_modules/a': { resolved: 'http://x/a.tgz' } } };
  assert.equal(pinnedPlaces(JSON.stringify(pinned)).length, 1);
});

test('H7 all that comes with the package is pinned by its contents and runs nothing at the install, Node too', () => {
  assert.deepEqual(unpinned(read('package-lock.json')), []);
  const { optionalDependencies = {} } = JSON.parse(read(productManifest)) as Manifest;
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { bin?: Record<string, string> }>;
  };
  for (const [name, version] of Object.entries(optionalDependencies)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.deepEqual(packages[`node_modules/${name}`]?.bin, { node: 'bin/node' });
  }
  const loose = { packages: { 'node_modules/a': {}, 'node_modules/b': { integrity: 'x', hasInstallScript: true } } };
  assert.equal(unpinned(JSON.stringify(loose)).length, 2);
});

test('the lock file has everything that npm ci needs, on every platform', () => {
  assert.deepEqual(missingFromLock(read('package-lock.json')), []);
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Manifest>> };
  for (const folder of ['', 'packages/chordial', 'packages/ring']) {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      read(path.join(folder, 'package.json')),
    ) as Manifest;
    const locked = packages[folder];
    assert.deepEqual(locked?.dependencies, dependencies, folder);
    assert.deepEqual(locked?.devDependencies, devDependencies, folder);
    assert.deepEqual(locked?.optionalDependencies, optionalDependencies, folder);
  }
});

test('the check of the lock file finds missing and nested packages', () => {
  const packages = {
    '': { dependencies: { a: '1' }, devDependencies: { e: '1' } },
    'node_modules/a': { dependencies: { b: '1', '@c/d': '1' }, optionalDependencies: { 'a-windows': '1' } },
    'node_modules/a/node_modules/b': { dependencies: { a: '1', '@c/d': '2' } },
    'node_modules/@c/d': { dependencies: { b: '1' } },
  };
  assert.deepEqual(missingFromLock(JSON.stringify({ packages })), [
    'package-lock.json: the package asks for e, which is not locked',
    'package-lock.json: node_modules/a asks for a-windows, which is not locked',
    'package-lock.json: node_modules/@c/d asks for b, which is not locked',
  ]);
});

test('the launcher requires the same Node as package.json', () => {
  const { engines } = JSON.parse(read(productManifest)) as { engines: { node: string } };
  const launcher = read('packages/chordial/bin/chordial');
  const major = /^needed_major=(\d+)$/m.exec(launcher)?.[1];
  const minor = /^needed_minor=(\d+)$/m.exec(launcher)?.[1];
  assert.equal(engines.node, `>=${major}.${minor}.0`);
});
