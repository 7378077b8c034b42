/**
 * Writes npm-shrinkwrap.json for the package, from package-lock.json without what only the repository needs, and without the ring, which
 * is in the bundle: anyone who installs the
 * package gets the versions that were tested, each with its integrity. `npm pack` leaves package-lock.json out, and removes this one
 * from the repository afterwards, where two would disagree.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Locked {
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly devDependencies?: unknown;
  readonly workspaces?: unknown;
}

const root = new URL('../', import.meta.url);
const lock = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const { '': manifest, ...rest } = lock.packages;
const workspace = /^(?:packages|node_modules\/@chordial)\//;
const shipped = Object.entries(rest).filter(([name, { dev }]) => dev !== true && !workspace.test(name));
const unpinned = shipped.filter(([, { integrity }]) => integrity === undefined).map(([name]) => name);
if (unpinned.length > 0) throw new Error(`package-lock.json has no integrity of ${unpinned.join(', ')}`);
const { devDependencies: _, workspaces: __, ...asked } = manifest ?? {};
const packages = { '': asked, ...Object.fromEntries(shipped) };
writeFileSync(new URL('npm-shrinkwrap.json', root), `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
