/** Files of random bytes, made at the speed of the disk: a cipher's key stream. */
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
    // Else the disk is still busy with it while somebody is measured.
    await handle.sync();
  } finally {
    await handle.close();
  }
}
