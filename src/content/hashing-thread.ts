/**
 * Hashes leaves in a thread of its own, so that the event loop, which already decrypts all that arrives, does not do that
 * too. The leaves of the pool lie in shared memory: nothing is copied. The thread is started when leaves come thick and fast,
 * and ended when none came for a while; whatever is not worth the way there is hashed here.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type BlockHashing, hashingHere, sha256Of, type WholeHashing } from './block-hashing.ts';
import type { HashAnswer, HashQuestion } from './hash-worker.ts';
import { workerFile } from './worker-file.ts';

/** Leaves without a pause of a second between them after which more are expected. */
const leavesBeforeThread = 16;
const pauseMilliseconds = 1000;
const idleMilliseconds = 10_000;
/** Beyond so many it is quicker to hash here. */
const maxLeavesWaiting = 8;
/** Below this the way to another thread and back takes longer than the hash. */
const minBytes = 256 * 1024;
/** A smaller content is hashed before a thread has started. */
const minWholeBytes = 16 * 1024 * 1024;
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

interface Asked {
  readonly answered: (digest: Uint8Array) => void;
  /** The thread ended before it answered. */
  readonly lost: () => void;
}

export class HashingThread implements BlockHashing {
  #isWorthwhile: boolean;
  #worker: Worker | null = null;
  #isUp = false;
  /** Answers come in the order of the questions. */
  #asked: Asked[] = [];
  #leavesInRow = 0;
  #lastLeafAt = Number.NEGATIVE_INFINITY;
  #nextWhole = 0;
  /** Begun in the thread and not ended: it stays for them. */
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
    // Its state is in that thread, and nowhere else.
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

  /** What the thread has not answered yet is hashed here, or fails if its beginning is lost; all that comes later is hashed here. */
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
    // Until it is up it is quicker to hash here.
    return this.#isUp;
  }

  #ask(question: HashQuestion, asked: Asked): void {
    const worker = this.#start();
    // Only while somebody waits does it keep the process alive.
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
    // What went wrong shows in what was lost: either the bytes are hashed here, or the one that asked hears of it.
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
  return new Error('The thread that hashes ended before its time.');
}
