/**
 * Before and after `npm pack`: what the package takes from the root of the repository.
 *
 * The documents are copied. npm-shrinkwrap.json is written from package-lock.json, without what only the repository needs and without the
 * ring, which is in the bundle: an installation gets the versions that were tested, each with its integrity. `npm pack` leaves
 * package-lock.json out.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface Locked {
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly devDependencies?: unknown;
}

const product = path.join(import.meta.dirname, '..');
const root = path.join(product, '../..');
const shrinkwrap = path.join(product, 'npm-shrinkwrap.json');
const documents = ['README.md', 'CHANGELOG.md', 'LICENSE', 'SECURITY.md', 'docs'];

if (process.argv[2] === 'after') {
  for (const file of [shrinkwrap, ...documents.map((name) => path.join(product, name))])
    rmSync(file, { recursive: true, force: true });
} else {
  for (const name of documents) cpSync(path.join(root, name), path.join(product, name), { recursive: true });
  writeFileSync(shrinkwrap, `${JSON.stringify(shippedLock(), null, 2)}\n`);
}

function shippedLock() {
  const { packages, ...lock } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const { '': _, 'packages/chordial': manifest, ...rest } = packages;
  const workspace = /^(?:packages\/|node_modules\/(?:@chordial\/|chordial$))/;
  const shipped = Object.entries(rest).filter(([name, { dev }]) => dev !== true && !workspace.test(name));
  const unpinned = shipped.filter(([, { integrity }]) => integrity === undefined).map(([name]) => name);
  if (unpinned.length > 0) throw new Error(`package-lock.json has no integrity of ${unpinned.join(', ')}`);
  return { ...lock, name: 'chordial', packages: { '': manifest, ...Object.fromEntries(shipped) } };
}
