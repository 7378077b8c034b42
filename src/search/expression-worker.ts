/**
 * The worker of expressions.ts: compiles expressions and matches names against them. It runs on RE2's algorithm, whose time
 * grows with the name and not beyond; what an expression may take here is for that file to bound.
 */
import { parentPort } from 'node:worker_threads';
import { RE2JS } from 're2js';
import { folded } from './words.ts';

export interface ExpressionQuestion {
  readonly source: string;
  readonly names: readonly string[];
}

export type ExpressionAnswer =
  | { readonly kind: 'ready' }
  /** Places of the names that match. */
  | { readonly kind: 'matched'; readonly places: readonly number[]; readonly milliseconds: number }
  /** It is no expression. */
  | { readonly kind: 'refused'; readonly why: string };

const maxKept = 32;
/** The least lately used first. */
const kept = new Map<string, RE2JS>();

parentPort?.on('message', (question: ExpressionQuestion) => parentPort?.postMessage(answerTo(question)));
parentPort?.postMessage({ kind: 'ready' } satisfies ExpressionAnswer);

function answerTo({ source, names }: ExpressionQuestion): ExpressionAnswer {
  const began = performance.now();
  try {
    const compiled = kept.get(source) ?? RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
    kept.delete(source);
    kept.set(source, compiled);
    if (kept.size > maxKept) kept.delete(kept.keys().next().value!);
    // Beside the folded name the name itself, since an expression may ask for capital letters.
    const places = names.flatMap((name, place) =>
      compiled.matcher(folded(name)).find() || compiled.matcher(name).find() ? [place] : [],
    );
    return { kind: 'matched', places, milliseconds: performance.now() - began };
  } catch (error) {
    return { kind: 'refused', why: (error as Error).message.slice(0, 200) };
  }
}
