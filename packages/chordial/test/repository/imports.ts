/** The imports of a file: static, type-only, re-exported, dynamic and `import('…')` types. */
import path from 'node:path';
import { blank } from './source-text.ts';
import type { SourceFile } from './source-tree.ts';

export interface Import {
  readonly specifier: string;
  /** Path from the root when the specifier is relative or an entry of a package of this repository, else null. */
  readonly file: string | null;
  /** Removed by type stripping: not an edge at run time. */
  readonly typeOnly: boolean;
}

/** The entries of the packages of this repository, as their package.json has them here. */
const entries: Readonly<Record<string, string>> = {
  '@chordial/ring': 'packages/ring/src/index.ts',
  '@chordial/ring/testing': 'packages/ring/src/testing.ts',
  '@chordial/ring/simulator': 'packages/ring/simulator/index.ts',
};

const patterns = [
  /^[ \t]*(?:import|export)\s+(type\s)?[^;'"()]*?\bfrom\s*(['"])([^'"\n]+)\2/gm,
  /^[ \t]*import\s*()(['"])([^'"\n]+)\2/gm,
  /\bimport(?:\.meta\.resolve)?\s*\(\s*()(['"`])([^'"`\n]+)\2/g,
];

export function importsOf(file: SourceFile): readonly Import[] {
  const code = blank(file.text, 'strings');
  const bare = blank(file.text, 'code only');
  // The keyword must be in code, since tests quote imports in strings.
  const isCode = (match: RegExpExecArray): boolean => /^[ \t]*(?:im|ex)port\b/.test(bare.slice(match.index));
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].filter(isCode).map((match) => {
      const specifier = match[3] ?? '';
      const relative = specifier.startsWith('.');
      const target = relative ? path.posix.join(path.posix.dirname(file.path), specifier) : entries[specifier];
      return { specifier, file: target ?? null, typeOnly: (match[1] ?? '').startsWith('type') };
    }),
  );
}

/** These files and their transitive imports at run time. */
export function reachedFrom(roots: readonly SourceFile[], files: readonly SourceFile[]): ReadonlySet<SourceFile> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<SourceFile>();
  const visit = (file: SourceFile): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const { file: target, typeOnly } of importsOf(file)) {
      const next = target === null || typeOnly ? undefined : byPath.get(target);
      if (next !== undefined) visit(next);
    }
  };
  for (const file of roots) visit(file);
  return reached;
}

/** The name of the package that a specifier belongs to; null for files and for Node's own modules. */
export function packageOf(specifier: string): string | null {
  if (/^(?:\.|\/|node:|#)/.test(specifier)) return null;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
