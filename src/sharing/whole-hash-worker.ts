/** The worker of whole-hash.ts: reads files one after the other and hashes each as a whole, in a thread of its own. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { parentPort } from 'node:worker_threads';

/** What is asked. */
export interface WholeHashQuestion {
  readonly path: string;
}

/** Any number of `progress`, then one of the others. */
export type WholeHashAnswer =
  | { readonly kind: 'progress'; readonly bytesDone: number }
  | { readonly kind: 'done'; readonly sha256: string }
  | { readonly kind: 'changed' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

const pieceBytes = 1024 * 1024;
const piecesPerProgress = 64;

parentPort?.on('message', ({ path }: WholeHashQuestion) => tell(answerFor(path)));

function answerFor(path: string): WholeHashAnswer {
  let file: number | null = null;
  try {
    file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOFOLLOW);
    const before = fs.fstatSync(file, { bigint: true });
    if (!before.isFile()) return { kind: 'failed', code: 'EINVAL', message: 'it is no regular file' };
    const sha256 = digestOf(file);
    const after = fs.fstatSync(file, { bigint: true });
    const isSame = after.size === before.size && after.mtimeNs === before.mtimeNs;
    return isSame ? { kind: 'done', sha256 } : { kind: 'changed' };
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException;
    return { kind: 'failed', code, message };
  } finally {
    if (file !== null) fs.closeSync(file);
  }
}

function digestOf(file: number): string {
  const whole = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  let bytesDone = 0;
  for (let piece = 1; ; piece++) {
    const bytesRead = fs.readSync(file, buffer, 0, pieceBytes, bytesDone);
    if (bytesRead === 0) return whole.digest('hex');
    whole.update(buffer.subarray(0, bytesRead));
    bytesDone += bytesRead;
    if (piece % piecesPerProgress === 0) tell({ kind: 'progress', bytesDone });
  }
}

function tell(answer: WholeHashAnswer): void {
  parentPort?.postMessage(answer);
}
