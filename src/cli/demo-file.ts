/** A file of random bytes, which cannot be compressed or already stored. */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

const pieceBytes = 1024 * 1024;

/** SHA-256 of what was written, hexadecimal. */
export async function makeRandomFile(file: string, bytes: number): Promise<string> {
  const sum = createHash('sha256');
  const handle = await open(file, 'wx', 0o600);
  try {
    for (let written = 0; written < bytes; written += pieceBytes) {
      const piece = randomFillSync(new Uint8Array(Math.min(pieceBytes, bytes - written)));
      sum.update(piece);
      await handle.appendFile(piece);
    }
  } finally {
    await handle.close();
  }
  return sum.digest('hex');
}

export async function sha256Of(file: string): Promise<string> {
  const sum = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: pieceBytes })) sum.update(piece as Uint8Array);
  return sum.digest('hex');
}
