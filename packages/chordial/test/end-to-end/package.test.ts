import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../fixtures/until.ts';
import { product, root } from '../results.ts';
import { runCommand } from './command.ts';
import { NetworkFixture } from './network-fixture.ts';

type LockEntries = Readonly<
  Record<
    string,
    { readonly dev?: boolean; readonly optional?: boolean; readonly bin?: Readonly<Record<string, string>> }
  >
>;

const programs = ['main', 'hash-worker', 'expression-worker', 'whole-hash-worker'].map(
  (name) => `dist/program/${name}.js`,
);

/**
 * A folder with the package as dependency and the locked dependencies already installed: npm only unpacks and links the
 * tarball, without network.
 */
async function preparePlace(place: string, tarball: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: LockEntries;
  };
  const { '': _, 'packages/chordial': manifest, ...entries } = packages;
  const isOwn = (name: string): boolean => /^(?:packages\/|node_modules\/(?:@chordial\/|chordial$))/.test(name);
  const shipped = Object.fromEntries(
    Object.entries(entries).filter(([name, entry]) => entry.dev !== true && !isOwn(name)),
  );
  // npm fetches again what lacks the links to its programs.
  await mkdir(path.join(place, 'node_modules/.bin'), { recursive: true });
  for (const [name, { bin = {}, optional }] of Object.entries(shipped)) {
    // The Node of another platform.
    if (optional === true && !existsSync(path.join(root, name))) continue;
    await cp(path.join(root, name), path.join(place, name), { recursive: true });
    for (const [program, file] of Object.entries(bin)) {
      const target = path.join('..', name.slice('node_modules/'.length), file);
      const link = path.join(place, 'node_modules/.bin', program);
      if (!existsSync(link)) await symlink(target, link);
    }
  }
  const asked = { dependencies: { chordial: `file:${tarball}` } };
  const chordial = { ...manifest, resolved: `file:${tarball}` };
  const locked = {
    lockfileVersion: 3,
    requires: true,
    packages: { '': asked, 'node_modules/chordial': chordial, ...shipped },
  };
  await writeFile(path.join(place, 'package.json'), JSON.stringify({ private: true, ...asked }));
  await writeFile(path.join(place, 'package-lock.json'), JSON.stringify(locked));
}

test('C3 B7 H7 the packed package installs and runs on its own, with all that it needs pinned', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-package-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const npm = async (at: string, ...args: readonly string[]): Promise<string> => {
    const result = await runCommand(['npm', ...args], { folder: at, deadlineMilliseconds: 120_000 });
    assert.equal(result.exit, 0, `npm ${args.join(' ')}: ${result.stderr}${result.text}`);
    return result.text;
  };

  await npm(product, 'pack', '--pack-destination', folder);
  assert.equal(existsSync(path.join(product, 'npm-shrinkwrap.json')), false, 'two lock files would disagree');
  const { version } = JSON.parse(await readFile(path.join(product, 'package.json'), 'utf8')) as { version: string };
  const tarball = path.join(folder, `chordial-${version}.tgz`);
  const listed = await runCommand(['tar', '-tzf', tarball]);
  for (const file of ['npm-shrinkwrap.json', 'SECURITY.md', 'packaging/chordial.service', ...programs])
    assert.ok(listed.text.includes(`package/${file}\n`), `${file} is not in the package`);
  assert.doesNotMatch(listed.text, /package\/(?:dist\/src\/|package-lock\.json|src\/|test\/|packaging\/.*\.ts)/);
  const shrinkwrap = (await runCommand(['tar', '-xzOf', tarball, 'package/npm-shrinkwrap.json'])).json<{
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly integrity?: string }>>;
  }>();
  for (const [name, { dev, integrity }] of Object.entries(shrinkwrap.packages)) {
    assert.notEqual(dev, true, `${name} is for the repository alone`);
    if (name !== '') assert.match(integrity ?? '', /^sha512-/, `${name} is not pinned`);
  }
  const place = path.join(folder, 'place');
  await mkdir(place);
  await preparePlace(place, tarball);
  await npm(place, 'install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts');

  const program = path.join(place, 'node_modules/.bin/chordial');
  const told = await runCommand([program, '--version'], { folder: place });
  assert.equal(told.stderr, '');
  assert.equal(told.exit, 0);
  assert.equal(told.text.trim(), version);
  await usePeersOf(program);
});

/** Files go through the ring, threads hash them and match an expression, and the page is served. */
async function usePeersOf(program: string): Promise<void> {
  await using network = await NetworkFixture.open([program]);
  const [first, second] = await network.startRing(2);
  const bytes = randomBytes(3_000_000);
  await mkdir(path.join(network.folder, 'shared'));
  for (const name of ['put 17.bin', 'shared/shared 17.bin']) await writeFile(path.join(network.folder, name), bytes);
  const run = async (peer: typeof first, ...args: readonly string[]): Promise<string> => {
    const { exit, stderr, text } = await network.command(args, peer);
    assert.equal(exit, 0, `${args.join(' ')}: ${stderr}`);
    return text;
  };
  await run(first, 'put', 'put 17.bin');
  await run(second, 'get', 'put 17.bin', '--output', 'fetched.bin');
  assert.deepEqual(await readFile(path.join(network.folder, 'fetched.bin')), bytes);
  await run(first, 'share', path.join(network.folder, 'shared'));
  const sum = createHash('sha256').update(bytes).digest('hex');
  const isFound = async (): Promise<boolean> =>
    (await run(second, 'search', '--broadcast', '/^shared [0-9]+[.]bin$/', '--json')).includes(sum);
  await until('the shared file is hashed as a whole', isFound, 60_000);
  const page = await fetch(`${second!.apiUrl}/`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<script/);
}
