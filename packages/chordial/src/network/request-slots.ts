/** Limits and error answers of requests on one connection, of any kind. */

import { maxRunningRequests } from './connection-limits.ts';
import type { RefusalCounters } from './counters.ts';
import { ConnectionLost } from './small-exchange.ts';
import { TransportError } from './transport.ts';

export interface AnsweringContext {
  readonly counters: RefusalCounters;
  /** A handler's bug, reported to the user who runs the peer. */
  report(error: unknown, doing: string): void;
}

export class RequestSlots {
  readonly #context: AnsweringContext;
  #running = 0;

  constructor(context: AnsweringContext) {
    this.#context = context;
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Throws `busy` at the limit. The caller ends it once. */
  begin(): void {
    if (this.#running >= maxRunningRequests) throw tooMany();
    this.#running += 1;
  }

  end(): void {
    this.#running -= 1;
  }

  /** What the asker is told of an error of our handler. */
  refusalOfHandler(error: unknown, kind: string): TransportError {
    const { counters, report } = this.#context;
    if (error instanceof TransportError) {
      counters.count(error.code === 'not-admitted' ? 'not-admitted' : 'refused-by-handler');
      return new TransportError('refused', error.message, error.code);
    }
    counters.count('handler-failed');
    report(error, `answering ${kind}`);
    return failedHere(kind);
  }

  /** What the asker is told of an error around the handler; null when it is gone. */
  refusal(error: unknown, doing: string): TransportError | null {
    const { counters, report } = this.#context;
    if (error instanceof ConnectionLost) {
      counters.count('broken-stream');
      return null;
    }
    if (!(error instanceof TransportError)) {
      report(error, `answering ${doing}`);
      return failedHere(doing);
    }
    if (error.code === 'too-large') counters.count('too-large');
    else if (error.code === 'busy') counters.count('busy');
    else if (error.code === 'bad-request') counters.count('malformed');
    else if (error.code === 'not-found') counters.count('unknown-path');
    else if (error.failure !== 'refused') counters.count('broken-stream');
    return error;
  }
}

export function tooMany(): TransportError {
  return new TransportError('refused', 'Too many questions at once; ask fewer, and read the answers.', 'busy');
}

export function nothingOfThatName(): TransportError {
  return new TransportError('refused', 'There is nothing of that name here.', 'not-found');
}

function failedHere(doing: string): TransportError {
  return new TransportError('refused', `Answering ${doing} failed here.`, 'internal');
}
