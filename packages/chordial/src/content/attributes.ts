/**
 * File metadata kept with the name: modification time and executable bit. Not part of the content: the CID of a file is
 * that of its bytes alone.
 */

export interface FileAttributes {
  /** Milliseconds since 1970; null when unknown. */
  readonly modified: number | null;
  readonly executable: boolean;
}

export const noAttributes: FileAttributes = { modified: null, executable: false };

/** The end of the year 9999; few file systems can store later times. */
const latestModified = 253_402_300_799_999;

/** Metadata received from others; invalid values count as absent. */
export function checkedAttributes(modified: unknown, executable: unknown): FileAttributes {
  const isTime =
    typeof modified === 'number' && Number.isSafeInteger(modified) && modified >= 0 && modified <= latestModified;
  return { modified: isTime ? modified : null, executable: executable === true };
}

/**
 * Execute permission for everyone who may read the file. Never setuid, setgid or the sticky bit.
 * @param mode as the file was created
 */
export function modeOf(mode: number, executable: boolean): number {
  const plain = mode & 0o666;
  return executable ? plain | ((plain & 0o444) >> 2) : plain;
}
