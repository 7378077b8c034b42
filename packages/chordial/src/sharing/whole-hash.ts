/**
 * SHA-256 of whole files, which can only be computed sequentially: on one thread, one file after the other, so that
 * neither the event loop nor the thread pool waits for a file of 20 GB. The thread starts on demand and ends when idle,
 * which saves 10 MB.
 */
import type { FileHandle } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { workerFile } from '../content/worker-file.ts';
import { ChordialError } from '../errors.ts';
import { Semaphore } from '../flow/semaphore.ts';
import { fileError, openToRead } from '../transfer/local-file.ts';
import type { WholeHashAnswer, WholeHashQuestion } from './whole-hash-worker.ts';

const idleMilliseconds = 5000;
/** The worker uses one buffer of 1 MiB. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

export interface WholeHashOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes hashed so far, every 64 MiB. */
  readonly progress?: (bytesDone: number) => void;
  /** The path by default. */
  readonly open?: () => Promise<FileHandle>;
}

export class WholeHash {
  /** FIFO; bounded by the caller. */
  readonly #semaphore = new Semaphore(1);
  #worker: Worker | null = null;
  #ending: NodeJS.Timeout | null = null;
  #closed = false;

  /** Hexadecimal. Throws `unreadable-file`, `changed` when the file was written meanwhile, or `interrupted`. */
  of(path: string, options: WholeHashOptions = {}): Promise<string> {
    return this.#semaphore.pass(async () => {
      if (this.#closed || options.signal?.aborted) throw interrupted(path);
      if (this.#ending !== null) clearTimeout(this.#ending);
      try {
        return await this.#ask(path, options);
      } finally {
        this.#ending = setTimeout(() => void this.#end(), idleMilliseconds).unref();
      }
    });
  }

  /** Running and queued work is rejected with `interrupted`. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#ending !== null) clearTimeout(this.#ending);
    await this.#end();
  }

  async #ask(path: string, options: WholeHashOptions): Promise<string> {
    const file = await (options.open ?? (() => openToRead(path, false)))();
    try {
      if (!(await file.stat()).isFile())
        throw new ChordialError('unreadable-file', `${path} cannot be read: it is no regular file.`);
      return await this.#answer(file, path, options);
    } finally {
      await file.close();
    }
  }

  /** The thread shares the process's descriptors. */
  async #answer(file: FileHandle, path: string, { signal, progress }: WholeHashOptions): Promise<string> {
    if (this.#closed || signal?.aborted) throw interrupted(path);
    const worker = this.#start();
    const answered = Promise.withResolvers<string>();
    const hear = (answer: WholeHashAnswer): void => {
      if (answer.kind === 'progress') progress?.(answer.bytesDone);
      else if (answer.kind === 'done') answered.resolve(answer.sha256);
      else answered.reject(failure(path, answer));
    };
    const ended = (): void => answered.reject(interrupted(path));
    // A thread can only be terminated in the middle of a file; the next file starts another one.
    const abort = (): void => void this.#end();
    worker.on('message', hear);
    worker.once('error', answered.reject);
    worker.once('exit', ended);
    signal?.addEventListener('abort', abort);
    try {
      const question: WholeHashQuestion = { descriptor: file.fd };
      worker.postMessage(question);
      return await answered.promise;
    } finally {
      worker.off('message', hear);
      worker.off('error', answered.reject);
      worker.off('exit', ended);
      signal?.removeEventListener('abort', abort);
    }
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(workerFile(import.meta.filename, 'whole-hash-worker'), { resourceLimits, execArgv: [] });
    worker.unref();
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = null;
    });
    this.#worker = worker;
    return worker;
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}

function failure(path: string, answer: Extract<WholeHashAnswer, { kind: 'changed' | 'failed' }>): ChordialError {
  if (answer.kind === 'changed')
    return new ChordialError('changed', `${path} was changed while it was hashed. It is looked at again later.`);
  return fileError('unreadable-file', path, Object.assign(new Error(answer.message), { code: answer.code }));
}

function interrupted(path: string): ChordialError {
  return new ChordialError('interrupted', `Hashing ${path} was interrupted.`);
}
