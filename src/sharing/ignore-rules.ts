/**
 * What is left out of a share: hidden files, what programs leave lying about or are still writing, and what a `.chordialignore`
 * in the folder or above it says, in the syntax of gitignore. The nearest rule that speaks of a file decides.
 */
import ignore, { type Ignore } from 'ignore';
import type { FolderHandle } from '../storage/folder-handle.ts';
import { errnoOf } from '../storage/system-error.ts';

export const ignoreFileName = '.chordialignore';
/** Anything larger is no list of patterns. */
const maximumIgnoreFileBytes = 256 * 1024;

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
  readonly matcher: Ignore;
}

export class IgnoreRules {
  /** The nearest first. */
  readonly #chain: readonly Rules[];

  private constructor(chain: readonly Rules[]) {
    this.#chain = chain;
  }

  static usual(): IgnoreRules {
    return new IgnoreRules([{ parent: '', matcher: matcherOf(usual) }]);
  }

  /** These and those of the folder's own file. One that cannot be used changes nothing, and its problem is told. */
  async within(
    folder: FolderHandle,
    parent: string,
  ): Promise<{ readonly rules: IgnoreRules; readonly problem: string | null }> {
    try {
      const bytes = await folder.smallFile(ignoreFileName, maximumIgnoreFileBytes);
      if (bytes === null) {
        const problem = `it is no regular file of at most ${maximumIgnoreFileBytes / 1024} KiB, and its rules do not count`;
        return { rules: this, problem };
      }
      return {
        rules: new IgnoreRules([{ parent, matcher: matcherOf(bytes.toString()) }, ...this.#chain]),
        problem: null,
      };
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
    const whole = `${parent}${base}${isFolder ? '/' : ''}`;
    for (const rules of this.#chain) {
      const { ignored, unignored } = rules.matcher.test(whole.slice(rules.parent.length));
      if (ignored || unignored) return ignored;
    }
    return false;
  }
}

function matcherOf(patterns: string | readonly string[]): Ignore {
  return ignore({ allowRelativePaths: true, ignorecase: false }).add(patterns);
}
