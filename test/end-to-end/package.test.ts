import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../results.ts';
import { runCommand } from './command.ts';

type LockEntries = Readonly<
  Record<string, { readonly dev?: boolean; readonly bin?: Readonly<Record<string, string>> }>
>;

/**
 * A folder in which the package is asked for and its dependencies already lie, as locked here: npm has only the tarball
 * to unpack and link, and needs no network.
 */
async function preparePlace(place: string, tarball: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: LockEntries;
  };
  const { '': manifest, ...entries } = packages;
  const shipped = Object.fromEntries(Object.entries(entries).filter(([, entry]) => entry.dev !== true));
  // npm fetches anew what lacks the links to its programs.
  await mkdir(path.join(place, 'node_modules/.bin'), { recursive: true });
  for (const [name, { bin = {} }] of Object.entries(shipped)) {
    await cp(path.join(root, name), path.join(place, name), { recursive: true });
    for (const [program, file] of Object.entries(bin)) {
      const target = path.join('..', name.slice('node_modules/'.length), file);
      await symlink(target, path.join(place, 'node_modules/.bin', program));
    }
  }
  const asked = { dependencies: { chordial: `file:${tarball}` } };
  const chordial = { ...manifest, devDependencies: undefined, resolved: `file:${tarball}` };
  const locked = {
    lockfileVersion: 3,
    requires: true,
    packages: { '': asked, 'node_modules/chordial': chordial, ...shipped },
  };
  await writeFile(path.join(place, 'package.json'), JSON.stringify({ private: true, ...asked }));
  await writeFile(path.join(place, 'package-lock.json'), JSON.stringify(locked));
}

test('C3 B7 the packed package installs and runs on its own', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-package-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const npm = async (at: string, ...args: readonly string[]): Promise<string> => {
    const result = await runCommand(['npm', ...args], { folder: at, deadlineMilliseconds: 120_000 });
    assert.equal(result.exit, 0, `npm ${args.join(' ')}: ${result.stderr}${result.text}`);
    return result.text;
  };

  await npm(root, 'pack', '--pack-destination', folder);
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  const place = path.join(folder, 'place');
  await mkdir(place);
  await preparePlace(place, path.join(folder, `chordial-${version}.tgz`));
  await npm(place, 'install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts');

  const told = await runCommand([path.join(place, 'node_modules/.bin/chordial'), '--version'], { folder: place });
  assert.equal(told.stderr, '');
  assert.equal(told.exit, 0);
  assert.equal(told.text.trim(), version);
});
