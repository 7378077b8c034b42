/** All that the ring reaches of the outside world. Production hands in the real things, the simulator virtual ones. */
import type { RingAnswers, RingAsks, RingMessageKind } from '../protocol/messages.ts';
import type { Contact } from '../protocol/pointer.ts';

export type Milliseconds = number;

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Never goes backwards; for intervals and deadlines. */
  now(): Milliseconds;
  /** Milliseconds since 1970; only for what is shown or signed. */
  wallTime(): Milliseconds;
  after(delay: Milliseconds, run: () => void): Timer;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/**
 * Why no answer came. `unreachable`: no address took the connection (strong evidence of death); `timeout`: silence;
 * `refused`: the host is alive and will not talk to us (another network, no admission, malformed message, too busy).
 */
export type AskFailure = 'unreachable' | 'timeout' | 'refused';

export type AskResult<K extends RingMessageKind> =
  | { readonly ok: true; readonly answer: RingAnswers[K] }
  | { readonly ok: false; readonly failure: AskFailure };

/** A message and how long its answer may take. */
export interface RingQuestion<K extends RingMessageKind> {
  readonly kind: K;
  readonly ask: RingAsks[K];
  readonly deadline: Milliseconds;
}

/**
 * Calls `done` exactly once, never before `ask` returns. Only the host that was asked may answer: the transport authenticates it.
 * A second or a foreign answer voids the proof.
 */
export interface RingNetwork {
  ask<K extends RingMessageKind>(to: Contact, question: RingQuestion<K>, done: (result: AskResult<K>) => void): void;
  ping(to: Contact, timeout: Milliseconds, done: (result: 'alive' | AskFailure) => void): void;
}
