/** Rules on package.json, the lock file and what the code imports from packages. */
import { importsOf, packageOf, reachedFrom } from './imports.ts';
import { isTest, type SourceFile, typescript } from './source-tree.ts';

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  /** Programs: the Node of each platform. */
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Used without an import: they are programs or types that the scripts run. */
const programs = new Set(['@biomejs/biome', 'typescript', '@types/node']);

/** Unused dependencies, undeclared imports, and shipped code that needs a devDependency. */
export function dependencyFaults(manifest: Manifest, files: readonly SourceFile[]): readonly string[] {
  const shipped = importedBy(shippedFiles(files));
  const everywhere = importedBy(files);
  const dependencies = Object.keys(manifest.dependencies ?? {});
  const devDependencies = Object.keys(manifest.devDependencies ?? {});
  const isUsed = (name: string): boolean =>
    programs.has(name) || everywhere.has(name) || (name.startsWith('@types/') && everywhere.has(typedPackage(name)));

  return [
    ...dependencies
      .filter((name) => !shipped.has(name))
      .map((name) => `dependency ${name}: no shipped file imports it`),
    ...devDependencies.filter((name) => !isUsed(name)).map((name) => `devDependency ${name}: nothing uses it`),
    ...[...shipped]
      .filter((name) => !dependencies.includes(name))
      .map((name) => `shipped code imports ${name}: not a dependency`),
    ...[...everywhere]
      .filter((name) => !dependencies.includes(name) && !devDependencies.includes(name) && !shipped.has(name))
      .map((name) => `tests import ${name}: not in package.json`),
  ];
}

/** A package of this repository: linked here, and part of the bundle of what is shipped. */
const isOwn = (name: string): boolean => /^(?:packages\/|node_modules\/(?:@chordial\/|chordial$))/.test(name);

interface LockEntry {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function lockEntries(lockFile: string): Readonly<Record<string, LockEntry>> {
  return (JSON.parse(lockFile) as { packages: Readonly<Record<string, LockEntry>> }).packages;
}

/** Lock entries with a download address: other machines may use another registry. */
export function pinnedPlaces(lockFile: string): readonly string[] {
  return Object.entries(lockEntries(lockFile))
    .filter(([, entry]) => entry.resolved?.startsWith('http') === true)
    .map(([name]) => `package-lock.json: ${name} has a resolved address`);
}

/** Of what is installed with the package: what is not pinned by its contents, and what runs a program of its own at the install. */
export function unpinned(lockFile: string): readonly string[] {
  return Object.entries(lockEntries(lockFile)).flatMap(([name, { dev, integrity, hasInstallScript }]) => {
    if (name === '' || dev === true || isOwn(name)) return [];
    if (integrity === undefined) return [`${name} has no integrity`];
    return hasInstallScript === true ? [`${name} runs a program at the install`] : [];
  });
}

/**
 * Dependencies of locked packages that the lock file lacks. `npm ci` refuses such a file on a fresh clone, even if only an
 * optional package of another platform is missing; with an existing node_modules npm does not notice.
 */
export function missingFromLock(lockFile: string): readonly string[] {
  const entries = lockEntries(lockFile);
  return Object.entries(entries).flatMap(([place, entry]) => {
    const asked = Object.keys({ ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies });
    return asked
      .filter((name) => !placesFrom(place).some((folder) => Object.hasOwn(entries, `${folder}node_modules/${name}`)))
      .map((name) => `package-lock.json: ${place || 'the package'} asks for ${name}, which is not locked`);
  });
}

/** Where Node looks for a package from this place, nearest first, each with a slash at its end or empty for the root. */
function placesFrom(place: string): readonly string[] {
  const parts = place === '' ? [] : place.split(/(?:^|\/)node_modules\//).slice(1);
  const folders = parts.map((_, index) =>
    parts
      .slice(0, index + 1)
      .map((part) => `node_modules/${part}/`)
      .join(''),
  );
  return [...folders.reverse(), ''];
}

/** The sources and what they reach: of `packages/chordial/simulation/` only what the command needs is compiled into the package. */
function shippedFiles(files: readonly SourceFile[]): readonly SourceFile[] {
  const sources = files.filter((file) => file.path.startsWith('packages/chordial/src/') && !isTest(file.path));
  return [...reachedFrom(typescript(sources), files)];
}

function importedBy(files: readonly SourceFile[]): ReadonlySet<string> {
  return new Set(
    typescript(files).flatMap((file) =>
      importsOf(file).flatMap(({ specifier, file: own }) => (own === null ? (packageOf(specifier) ?? []) : [])),
    ),
  );
}

/** `@types/a__b` are the types of `@a/b`. */
function typedPackage(name: string): string {
  const bare = name.slice('@types/'.length);
  return bare.includes('__') ? `@${bare.replace('__', '/')}` : bare;
}
