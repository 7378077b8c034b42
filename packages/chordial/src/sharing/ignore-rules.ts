/**
 * What is left out of a share: hidden files, leftovers and partial files of programs, and the rules of
 * `.chordialignore` files in the folder or above it, in gitignore syntax. The nearest matching rule decides. Others who
 * may write in the folder write rules as well: they are matched in time bounded by the lengths of rule and path.
 */
import { globMatcher } from '../content/glob.ts';
import type { FolderHandle } from '../storage/folder-handle.ts';
import { errnoOf } from '../storage/system-error.ts';

export const ignoreFileName = '.chordialignore';
/** Anything larger is not a list of rules. */
const maxIgnoreFileBytes = 64 * 1024;
const maxRules = 1000;

const usual = [
  '.*',
  '*~',
  '~$*',
  '#*#',
  '*.part',
  '*.tmp',
  '*.temp',
  '*.swp',
  '*.crdownload',
  '*.download',
  '*.partial',
  '[Tt]humbs.db',
  '[Dd]esktop.ini',
  '$RECYCLE.BIN',
  'lost+found',
];

interface Rules {
  /** Folder below the share, '' or ending in '/'. */
  readonly parent: string;
  /** The last matching one decides. */
  readonly rules: readonly Rule[];
}

interface Rule {
  readonly isKept: boolean;
  readonly isForFolders: boolean;
  /** Of the path below the folder of the rules; `anyFolders` for `**`. */
  readonly parts: readonly (((text: string) => boolean) | typeof anyFolders)[];
}

const anyFolders = Symbol('**');

export class IgnoreRules {
  /** Nearest first. */
  readonly #chain: readonly Rules[];

  private constructor(chain: readonly Rules[]) {
    this.#chain = chain;
  }

  static usual(): IgnoreRules {
    return new IgnoreRules([{ parent: '', rules: usual.flatMap(readRule) }]);
  }

  /** These and those of the folder's own file. An unusable file changes nothing, and its problem is reported. */
  async within(
    folder: FolderHandle,
    parent: string,
  ): Promise<{ readonly rules: IgnoreRules; readonly problem: string | null }> {
    try {
      const bytes = await folder.smallFile(ignoreFileName, maxIgnoreFileBytes);
      if (bytes === null) {
        const problem = `it is no regular file of at most ${maxIgnoreFileBytes / 1024} KiB, and its rules do not count`;
        return { rules: this, problem };
      }
      const rules = bytes.toString().split('\n').flatMap(readRule);
      if (rules.length > maxRules)
        return { rules: this, problem: `it has more than ${maxRules} rules, and they do not count` };
      return { rules: new IgnoreRules([{ parent, rules }, ...this.#chain]), problem: null };
    } catch (error) {
      const code = errnoOf(error);
      if (code === null) throw error;
      return {
        rules: this,
        problem: code === 'ENOENT' ? null : `it cannot be read (${code}), and its rules do not count`,
      };
    }
  }

  leavesOut(parent: string, base: string, isFolder: boolean): boolean {
    const whole = `${parent}${base}`;
    for (const { parent: above, rules } of this.#chain) {
      const path = whole.slice(above.length).normalize('NFC').split('/');
      const rule = rules.findLast((one) => (isFolder || !one.isForFolders) && isMatch(one.parts, path));
      if (rule !== undefined) return !rule.isKept;
    }
    return false;
  }
}

/** Null for an empty line or a comment. */
function readRule(line: string): readonly Rule[] {
  const text = line.replace(/\r$/, '').replace(/(?<![\\ ]) +$/, '');
  if (text === '' || text.startsWith('#')) return [];
  const isKept = text.startsWith('!');
  const pattern = (isKept ? text.slice(1) : text).normalize('NFC');
  const isForFolders = pattern.endsWith('/');
  const path = isForFolders ? pattern.slice(0, -1) : pattern;
  if (path === '' || path === '/') return [];
  // A rule with a slash is anchored, another matches at any depth.
  const written = path.includes('/') ? path.replace(/^\//, '').split('/') : ['**', path];
  // Contents of a folder count as something.
  if (written.at(-1) === '**') written.push('*');
  const parts = written.map((part) => (part === '**' ? anyFolders : globMatcher(part, true)));
  return [{ isKept, isForFolders, parts }];
}

/** Like globs, with folders in place of characters. */
function isMatch(parts: Rule['parts'], path: readonly string[]): boolean {
  let [part, at] = [0, 0];
  let [anyPart, anyAt] = [-1, -1];
  while (at < path.length) {
    const wanted = parts[part];
    if (wanted === anyFolders) [anyPart, anyAt, part] = [part, at, part + 1];
    else if (wanted?.(path[at]!)) [part, at] = [part + 1, at + 1];
    else if (anyPart >= 0) [part, at, anyAt] = [anyPart + 1, anyAt + 1, anyAt + 1];
    else return false;
  }
  return part === parts.length;
}
