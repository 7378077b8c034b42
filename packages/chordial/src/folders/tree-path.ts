/** Paths in own folders that change. */
import { checkName } from '../content/name.ts';
import { maxFolderDepth } from '../content/walk.ts';
import { ChordialError } from '../errors.ts';

/** `FOLDER/PATH/BELOW`: the name of an own folder, and where in it. Throws `bad-name`. */
export interface TreePath {
  readonly folder: string;
  /** Empty for the folder itself. */
  readonly path: readonly string[];
}

/** A trailing slash is ignored. Throws `bad-name`. */
export function treePath(text: string): TreePath {
  const parts = text.split('/');
  while (parts.length > 1 && parts.at(-1) === '') parts.pop();
  const [folder = '', ...path] = parts;
  return { folder: checkName(folder), path: checkedPath(path) };
}

/** Each part in NFC. Throws `bad-name`. */
export function checkedPath(path: readonly string[]): readonly string[] {
  if (path.length > maxFolderDepth)
    throw new ChordialError(
      'bad-name',
      `The path has ${path.length} levels, and at most ${maxFolderDepth} are allowed.`,
    );
  return path.map(checkName);
}

export function shownPath({ folder, path }: TreePath): string {
  return [folder, ...path].join('/');
}
