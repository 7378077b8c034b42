/**
 * What a file has beside its bytes and is kept for anyone who gets it by its name: when it was changed last, and whether it
 * can be run. It is no part of the content: the CID of a file is that of its bytes, everywhere.
 */

export interface FileAttributes {
  /** Milliseconds since 1970; null when it is not known. */
  readonly modified: number | null;
  readonly executable: boolean;
}

export const noAttributes: FileAttributes = { modified: null, executable: false };

/** The end of the year 9999; no file is from later, and few file systems can keep it. */
const latestModified = 253_402_300_799_999;

/** What others say of a file; what is no sensible word of it counts as unsaid. */
export function checkedAttributes(modified: unknown, executable: unknown): FileAttributes {
  const isTime =
    typeof modified === 'number' && Number.isSafeInteger(modified) && modified >= 0 && modified <= latestModified;
  return { modified: isTime ? modified : null, executable: executable === true };
}

/** Anyone who may read it may run it. Never more: no setuid, setgid or sticky bit. @param mode as the file was made. */
export function modeOf(mode: number, executable: boolean): number {
  const plain = mode & 0o666;
  return executable ? plain | ((plain & 0o444) >> 2) : plain;
}
