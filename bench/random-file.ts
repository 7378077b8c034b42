/** Files of pseudo-random bytes from a stream cipher, written at disk speed. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

export const mebibyte = 1024 * 1024;
const pieceBytes = 4 * mebibyte;

export async function makeRandomFile(file: string, bytes: number): Promise<void> {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(pieceBytes);
  const handle = await open(file, 'w');
  try {
    for (let written = 0; written < bytes; ) {
      const piece = cipher.update(zeros.subarray(0, Math.min(pieceBytes, bytes - written)));
      await handle.writeFile(piece);
      written += piece.length;
    }
    // Otherwise the disk is still busy during the measurement.
    await handle.sync();
  } finally {
    await handle.close();
  }
}
