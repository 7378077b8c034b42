/** The files of the repository, input of the checks. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../results.ts';

/** A file by its path from the root, with `/`, and its text. Tests of the checks can make them up. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Never part of the repository. */
const outside = new Set(['node_modules', 'dist', '.git']);
const outsideFiles = /(?:\.log|\.tgz|^\.rows\.json)$/;

export function repositoryFiles(): readonly SourceFile[] {
  return walk('').map((file) => ({ path: file, text: readFileSync(path.join(root, file), 'utf8') }));
}

export function typescript(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.filter((file) => file.path.endsWith('.ts') || file.path.endsWith('.tsx'));
}

export function isTest(file: string): boolean {
  return file.endsWith('.test.ts') || file.startsWith('packages/chordial/test/');
}

function walk(folder: string): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !outside.has(entry.name)) found.push(...walk(name));
    if (entry.isFile() && !outsideFiles.test(entry.name)) found.push(name);
  }
  return found.sort();
}
