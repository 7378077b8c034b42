/** Small files that are read whole: no pipe or device holds the reader up, and no large file takes its memory. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** No regular file, or a larger one. With the name of the system's error for it in `code`. */
export class UnfitFileError extends Error {
  readonly code: 'EFTYPE' | 'EFBIG';

  constructor(code: 'EFTYPE' | 'EFBIG', message: string) {
    super(message);
    this.code = code;
  }
}

/** Follows links. Throws the errors of the system, and `UnfitFileError`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await smallBytes(file, maxBytes);
  } finally {
    await file.close();
  }
}

/** Of a file that was opened with O_NONBLOCK and stays open. Throws as `readSmallFile`. */
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
