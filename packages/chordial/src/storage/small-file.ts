/** Small files read whole: pipes and devices do not block the reader, and large files do not take its memory. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Not a regular file, or too large. `code` holds the matching system error. */
export class UnfitFileError extends Error {
  readonly code: 'EFTYPE' | 'EFBIG';

  constructor(code: 'EFTYPE' | 'EFBIG', message: string) {
    super(message);
    this.code = code;
  }
}

/** Follows links. Throws system errors and `UnfitFileError`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await smallBytes(file, maxBytes);
  } finally {
    await file.close();
  }
}

/** Reads a file opened with O_NONBLOCK, which stays open. Throws like `readSmallFile`. */
export async function smallBytes(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const status = await file.stat();
  if (!status.isFile()) throw new UnfitFileError('EFTYPE', 'it is no regular file');
  const tooLarge = () => new UnfitFileError('EFBIG', `it has more than ${maxBytes} bytes`);
  if (status.size > maxBytes) throw tooLarge();
  const bytes = Buffer.alloc(maxBytes + 1);
  let filled = 0;
  for (let read = -1; read !== 0 && filled <= maxBytes; filled += read)
    read = (await file.read(bytes, filled, bytes.length - filled, filled)).bytesRead;
  if (filled > maxBytes) throw tooLarge();
  return bytes.subarray(0, filled);
}
