/**
 * Worker of expressions.ts: compiles expressions and matches names. It uses RE2, whose time is linear in the name;
 * expressions.ts enforces the limits.
 */

import { parentPort } from 'node:worker_threads';
import { RE2JS } from 're2js';
import { BoundedCache } from '../network/bounded-cache.ts';
import { folded } from './words.ts';

export interface ExpressionQuestion {
  readonly source: string;
  readonly names: readonly string[];
}

export type ExpressionAnswer =
  | { readonly kind: 'ready' }
  /** Indices of the matching names. */
  | { readonly kind: 'matched'; readonly places: readonly number[]; readonly milliseconds: number }
  /** Invalid expression. */
  | { readonly kind: 'refused'; readonly why: string };

const maxKept = 32;
const kept = new BoundedCache<string, RE2JS>(maxKept);

// The first expression builds tables and is interpreted, which must not count as its own time.
RE2JS.compile('w[a-z]*\\pL+', RE2JS.CASE_INSENSITIVE).matcher('warm').find();

parentPort?.on('message', (question: ExpressionQuestion) => parentPort?.postMessage(answerTo(question)));
parentPort?.postMessage({ kind: 'ready' } satisfies ExpressionAnswer);

function answerTo({ source, names }: ExpressionQuestion): ExpressionAnswer {
  const began = performance.now();
  try {
    const compiled = kept.get(source) ?? RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
    kept.set(source, compiled);
    // The name itself as well as its folded form, since an expression may contain capital letters.
    const places = names.flatMap((name, place) =>
      compiled.matcher(folded(name)).find() || compiled.matcher(name).find() ? [place] : [],
    );
    return { kind: 'matched', places, milliseconds: performance.now() - began };
  } catch (error) {
    return { kind: 'refused', why: (error as Error).message.slice(0, 200) };
  }
}
