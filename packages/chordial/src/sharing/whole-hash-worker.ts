/** Worker of whole-hash.ts: reads open files one after the other and hashes each as a whole. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { parentPort } from 'node:worker_threads';

/** A request. */
export interface WholeHashQuestion {
  /** Descriptor of a regular file, closed by the sender after the answer. */
  readonly descriptor: number;
}

/** Any number of `progress`, then one of the others. */
export type WholeHashAnswer =
  | { readonly kind: 'progress'; readonly bytesDone: number }
  | { readonly kind: 'done'; readonly sha256: string }
  | { readonly kind: 'changed' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

const pieceBytes = 1024 * 1024;
const piecesPerProgress = 64;

parentPort?.on('message', ({ descriptor }: WholeHashQuestion) => tell(answerFor(descriptor)));

function answerFor(file: number): WholeHashAnswer {
  try {
    const before = fs.fstatSync(file, { bigint: true });
    const sha256 = digestOf(file);
    const after = fs.fstatSync(file, { bigint: true });
    const isSame = after.size === before.size && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs;
    return isSame ? { kind: 'done', sha256 } : { kind: 'changed' };
  } catch (error) {
    const { code = 'EIO', message } = error as NodeJS.ErrnoException;
    return { kind: 'failed', code, message };
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
