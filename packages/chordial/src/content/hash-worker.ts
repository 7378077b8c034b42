/** Worker of hashing-thread.ts: hashes bytes in shared memory. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { sha256Of } from './block-hashing.ts';

/** Requests, in order. Each but `drop` is answered, in the same order. */
export type HashQuestion =
  | { readonly kind: 'block'; readonly bytes: Uint8Array; readonly before?: Uint8Array }
  /** A block that is also the next part of content number `whole`. */
  | { readonly kind: 'leaf'; readonly bytes: Uint8Array; readonly whole: number }
  | { readonly kind: 'end'; readonly whole: number }
  | { readonly kind: 'drop'; readonly whole: number };

/** 32 bytes. */
export type HashAnswer = Uint8Array;

const contents = new Map<number, Hash>();

parentPort?.on('message', (question: HashQuestion) => {
  const answer = digestFor(question);
  if (answer !== null) parentPort?.postMessage(answer);
});

function digestFor(question: HashQuestion): HashAnswer | null {
  switch (question.kind) {
    case 'block':
      return alone(sha256Of(question.bytes, question.before));
    case 'leaf':
      contentOf(question.whole).update(question.bytes);
      return alone(sha256Of(question.bytes));
    case 'end': {
      const content = contentOf(question.whole);
      contents.delete(question.whole);
      return alone(content.digest());
    }
    case 'drop':
      contents.delete(question.whole);
      return null;
  }
}

function contentOf(whole: number): Hash {
  const known = contents.get(whole);
  if (known !== undefined) return known;
  const content = createHash('sha256');
  contents.set(whole, content);
  return content;
}

/** Copied out of Node's buffer pool, which would be cloned with it. */
function alone(digest: Uint8Array): HashAnswer {
  return Uint8Array.from(digest);
}
