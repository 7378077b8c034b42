/**
 * Hashes leaves on a worker thread to relieve the event loop, which already decrypts all that arrives. Pooled leaves
 * are in shared memory, so nothing is copied. The thread starts under load and ends when idle; small work is hashed on
 * this thread.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type BlockHashing, hashingHere, sha256Of, type WholeHashing } from './block-hashing.ts';
import type { HashAnswer, HashQuestion } from './hash-worker.ts';
import { workerFile } from './worker-file.ts';

/** Leaves with less than a second between them before the thread starts. */
const leavesBeforeThread = 16;
const pauseMilliseconds = 1000;
const idleMilliseconds = 10_000;
/** With more waiting it is quicker to hash on this thread. */
const maxLeavesWaiting = 8;
/** Below this, the round trip to another thread takes longer than the hash. */
const minBytes = 256 * 1024;
/** Smaller content is hashed before a thread has started. */
const minWholeBytes = 16 * 1024 * 1024;
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

interface Asked {
  readonly answered: (digest: Uint8Array) => void;
  /** Called when the thread ended without an answer. */
  readonly lost: () => void;
}

export class HashingThread implements BlockHashing {
  #isWorthwhile: boolean;
  #worker: Worker | null = null;
  #isUp = false;
  /** In order: answers come in the order of the requests. */
  #asked: Asked[] = [];
  #leavesInRow = 0;
  #lastLeafAt = Number.NEGATIVE_INFINITY;
  #nextWhole = 0;
  /** Contents begun on the thread and not ended: they keep it alive. */
  readonly #wholes = new Set<number>();
  #ending: NodeJS.Timeout | null = null;

  constructor(cores: number = availableParallelism()) {
    this.#isWorthwhile = cores > 1;
  }

  sha256(bytes: Uint8Array, before?: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (bytes.length < minBytes || !isShared(bytes) || !this.#isThreadReady()) return sha256Of(bytes, before);
    if (this.#asked.length >= maxLeavesWaiting) return sha256Of(bytes, before);
    return new Promise((answered) => {
      const question: HashQuestion = { kind: 'block', bytes, ...(before === undefined ? {} : { before }) };
      this.#ask(question, { answered, lost: () => answered(sha256Of(bytes, before)) });
    });
  }

  whole(expectedBytes: number | null): WholeHashing {
    if (!this.#isWorthwhile || (expectedBytes ?? Number.POSITIVE_INFINITY) < minWholeBytes)
      return hashingHere.whole(expectedBytes);
    const whole = this.#nextWhole++;
    // The state of a whole content exists only on its thread.
    const worker = this.#start();
    this.#wholes.add(whole);
    const ask = (question: HashQuestion): Promise<Uint8Array> => {
      if (this.#worker !== worker) return Promise.reject(threadLost());
      return new Promise((answered, failed) => {
        this.#ask(question, { answered, lost: () => failed(threadLost()) });
      });
    };
    return {
      leaf: (bytes) => ask({ kind: 'leaf', bytes, whole }),
      end: () => {
        this.#wholes.delete(whole);
        return ask({ kind: 'end', whole });
      },
      drop: () => {
        this.#wholes.delete(whole);
        if (this.#worker === worker) worker.postMessage({ kind: 'drop', whole } satisfies HashQuestion);
      },
    };
  }

  /**
   * Unanswered requests are hashed on this thread, or fail if their beginning is lost; later requests are hashed on
   * this thread.
   */
  async close(): Promise<void> {
    this.#isWorthwhile = false;
    await this.#end();
  }

  #isThreadReady(): boolean {
    const now = performance.now();
    this.#leavesInRow = now - this.#lastLeafAt > pauseMilliseconds ? 1 : this.#leavesInRow + 1;
    this.#lastLeafAt = now;
    if (!this.#isWorthwhile) return false;
    if (this.#worker === null && this.#leavesInRow > leavesBeforeThread) this.#start();
    // Until it is up it is quicker to hash on this thread.
    return this.#isUp;
  }

  #ask(question: HashQuestion, asked: Asked): void {
    const worker = this.#start();
    // Keeps the process alive only while a request is pending.
    if (this.#asked.push(asked) === 1) worker.ref();
    worker.postMessage(question);
  }

  #start(): Worker {
    this.#endLater();
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(workerFile(import.meta.filename, 'hash-worker'), { resourceLimits, execArgv: [] });
    worker.unref();
    worker.once('online', () => {
      this.#isUp = this.#worker === worker;
    });
    worker.on('message', (digest: HashAnswer) => {
      if (this.#worker !== worker) return;
      const asked = this.#asked.shift();
      if (this.#asked.length === 0) worker.unref();
      asked?.answered(digest);
    });
    // The loss itself is handled: the bytes are hashed on this thread, or the caller gets the failure.
    worker.on('error', () => this.#lose(worker));
    worker.once('exit', () => this.#lose(worker));
    this.#worker = worker;
    return worker;
  }

  #endLater(): void {
    if (this.#ending !== null) {
      this.#ending.refresh();
      return;
    }
    this.#ending = setTimeout(() => {
      this.#ending = null;
      if (this.#asked.length > 0 || this.#wholes.size > 0) this.#endLater();
      else void this.#end();
    }, idleMilliseconds).unref();
  }

  async #end(): Promise<void> {
    if (this.#ending !== null) clearTimeout(this.#ending);
    this.#ending = null;
    const worker = this.#worker;
    if (worker === null) return;
    this.#lose(worker);
    await worker.terminate();
  }

  #lose(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#isUp = false;
    const lost = this.#asked;
    this.#asked = [];
    for (const asked of lost) asked.lost();
  }
}

function isShared({ buffer }: Uint8Array): boolean {
  return buffer instanceof SharedArrayBuffer;
}

function threadLost(): Error {
  return new Error('The hashing thread ended unexpectedly.');
}
