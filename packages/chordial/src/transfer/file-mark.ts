/** Identity of a file, regardless of what has its name by now. */
import type { BigIntStats } from 'node:fs';

/** Device and inode, in decimal. */
export interface FileMark {
  readonly device: string;
  readonly inode: string;
}

export function markOf({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): FileMark {
  return { device: String(dev), inode: String(ino) };
}

export function isMarked({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>, mark: FileMark): boolean {
  return String(dev) === mark.device && String(ino) === mark.inode;
}
