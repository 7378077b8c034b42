import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../results.ts';
import { runCommand } from './command.ts';

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
}

/** The dependencies that an installed package would have, taken from here, so that no network is needed. */
async function copyDependencies(folder: string): Promise<void> {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as LockFile;
  const shipped = Object.entries(packages).filter(
    ([name, entry]) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(name) && entry.dev !== true,
  );
  for (const [name] of shipped) await cp(path.join(root, name), path.join(folder, name), { recursive: true });
}

test('C3 the packed package installs and runs on its own', async (t) => {
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
  await writeFile(path.join(place, 'package.json'), '{"private":true}\n');
  await copyDependencies(place);
  const tarball = path.join(folder, `chordial-${version}.tgz`);
  await npm(place, 'install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball);

  const told = await runCommand([path.join(place, 'node_modules/.bin/chordial'), '--version'], { folder: place });
  assert.equal(told.stderr, '');
  assert.equal(told.exit, 0);
  assert.equal(told.text.trim(), version);
});
