/** Rules on package.json, the lock file and what the code imports from packages. */
import { importsOf, packageOf, reachedFrom } from './imports.ts';
import { isTest, type SourceFile, typescript } from './source-tree.ts';

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Used without an import: they are programs or types that the scripts run. */
const programs = new Set(['@biomejs/biome', 'node', 'typescript', '@types/node']);

/** Declared and imported nowhere, or imported and not declared, or shipped code that needs a devDependency. */
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

/** Lock entries that pin a place to download from: another machine may have another registry. */
export function pinnedPlaces(lockFile: string): readonly string[] {
  const { packages } = JSON.parse(lockFile) as { packages: Readonly<Record<string, { readonly resolved?: string }>> };
  return Object.entries(packages)
    .filter(([, entry]) => entry.resolved?.startsWith('http') === true)
    .map(([name]) => `package-lock.json: ${name} has a resolved address`);
}

/** The sources and what they reach: of `simulation/` only what the command needs is compiled into the package. */
function shippedFiles(files: readonly SourceFile[]): readonly SourceFile[] {
  const sources = files.filter((file) => file.path.startsWith('src/') && !isTest(file.path));
  return [...reachedFrom(typescript(sources), files)];
}

function importedBy(files: readonly SourceFile[]): ReadonlySet<string> {
  return new Set(
    typescript(files).flatMap((file) => importsOf(file).flatMap(({ specifier }) => packageOf(specifier) ?? [])),
  );
}

/** `@types/a__b` are the types of `@a/b`. */
function typedPackage(name: string): string {
  const bare = name.slice('@types/'.length);
  return bare.includes('__') ? `@${bare.replace('__', '/')}` : bare;
}
