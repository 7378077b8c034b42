/**
 * Compiles and matches regular expressions of others on a worker thread that is terminated when one takes too long. The
 * thread starts on demand and ends when idle.
 */

import { Worker } from 'node:worker_threads';
import { workerFile } from '../content/worker-file.ts';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { checkExpressionSize } from './expression-size.ts';
import type { ExpressionAnswer, ExpressionQuestion } from './expression-worker.ts';

/** CPU time for compiling an expression and matching a few names. */
export const maxExpressionMilliseconds = 100;
/** The same as wall time, when other programs use the CPU. */
const maxWaitMilliseconds = 2000;
const maxStartMilliseconds = 20_000;
export const maxNameConcurrency = 100;
const idleMilliseconds = 10_000;
/** Expressions that timed out are refused for a while. */
const maxRefused = 256;
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 };

export interface Matched {
  /** Indices of the matching names. */
  readonly places: readonly number[];
  readonly milliseconds: number;
}

export class Expressions {
  readonly #semaphore = new Semaphore(1);
  readonly #tooSlow = new BoundedCache<string, true>(maxRefused);
  #worker: Promise<Worker> | null = null;
  #ending: NodeJS.Timeout | null = null;
  #closed = false;

  /** Throws `bad-request` for an invalid or too large expression, or one that takes too long. */
  async check(source: string): Promise<void> {
    await this.match(source, []);
  }

  /**
   * Which of the names match. Throws like `check`.
   * @param names at most `maxNameConcurrency`
   */
  async match(source: string, names: readonly string[]): Promise<Matched> {
    checkExpressionSize(source);
    if (this.#tooSlow.get(source) !== undefined) throw tooSlow();
    return this.#semaphore.pass(async () => {
      if (this.#closed) throw new ChordialError('interrupted', 'The peer stops.');
      if (this.#ending !== null) clearTimeout(this.#ending);
      try {
        return await this.#ask({ source, names });
      } finally {
        this.#ending = setTimeout(() => void this.#end(), idleMilliseconds).unref();
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#ending !== null) clearTimeout(this.#ending);
    await this.#end();
  }

  async #ask(question: ExpressionQuestion): Promise<Matched> {
    this.#worker ??= started();
    const worker = await this.#worker.catch((error: unknown) => {
      this.#worker = null;
      throw error;
    });
    const answer = await answerOf(worker, question);
    if (answer === null) {
      await this.#end();
      this.#tooSlow.set(question.source, true);
      throw tooSlow();
    }
    if (answer.kind === 'matched') return answer;
    const why = answer.kind === 'refused' ? answer.why : 'it is empty';
    const message = `The regular expression is not understood: ${why}. The syntax is that of RE2: no backreferences, no lookaround.`;
    throw new ChordialError('bad-request', message);
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await (await worker?.catch(() => undefined))?.terminate();
  }
}

async function started(): Promise<Worker> {
  const worker = new Worker(workerFile(import.meta.filename, 'expression-worker'), { resourceLimits, execArgv: [] });
  worker.unref();
  const ready = await answered(worker, maxStartMilliseconds);
  if (ready !== null) return worker;
  await worker.terminate();
  throw new ChordialError('busy', 'The thread for regular expressions does not start. Try again in a moment.');
}

/** Null when it timed out, or the thread crashed. */
async function answerOf(worker: Worker, question: ExpressionQuestion): Promise<ExpressionAnswer | null> {
  const before = await worker.cpuUsage();
  const began = performance.now();
  let pending = true;
  const answer = answered(worker, maxWaitMilliseconds).finally(() => {
    pending = false;
  });
  worker.postMessage(question);
  for (;;) {
    const first = await Promise.race([answer, pause(maxExpressionMilliseconds)]);
    if (!pending) return answer;
    if (first !== undefined) return first;
    // CPU time of other programs is not counted.
    const { user, system } = await worker.cpuUsage(before);
    if ((user + system) / 1000 >= maxExpressionMilliseconds) return null;
    if (performance.now() - began >= maxWaitMilliseconds) return null;
  }
}

function pause(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), milliseconds).unref();
  });
}

/** The next answer; null on timeout, or when the thread ends. */
function answered(worker: Worker, milliseconds: number): Promise<ExpressionAnswer | null> {
  return new Promise((resolve) => {
    const done = (answer: ExpressionAnswer | null): void => {
      clearTimeout(timer);
      worker.off('message', done);
      worker.off('error', fail);
      worker.off('exit', fail);
      worker.unref();
      resolve(answer);
    };
    const fail = (): void => done(null);
    const timer = setTimeout(fail, milliseconds);
    worker.ref();
    worker.on('message', done);
    worker.on('error', fail);
    worker.on('exit', fail);
  });
}

function tooSlow(): ChordialError {
  const message = `The regular expression takes more than ${maxExpressionMilliseconds} ms for a few names. Write a simpler one.`;
  return new ChordialError('bad-request', message);
}
