/**
 * What is left out of a share: hidden files, what programs leave lying about or are still writing, and what a `.chordialignore`
 * in the folder or above it says, in the syntax of gitignore. The nearest rule that speaks of a file decides.
 */
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';

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

  /** These and those of the folder's own file, when it has one. */
  async within(share: string, parent: string): Promise<IgnoreRules> {
    const text = await readBounded(path.join(share, parent, ignoreFileName));
    return text === null ? this : new IgnoreRules([{ parent, matcher: matcherOf(text) }, ...this.#chain]);
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

/** Null when there is none that can be read. */
async function readBounded(file: string): Promise<string | null> {
  let opened: FileHandle | null = null;
  try {
    opened = await open(file, 'r');
    const { bytesRead, buffer } = await opened.read(Buffer.alloc(maximumIgnoreFileBytes), 0, maximumIgnoreFileBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    // Without one, or one that is a folder or may not be read, the rules above hold.
    return null;
  } finally {
    await opened?.close();
  }
}
