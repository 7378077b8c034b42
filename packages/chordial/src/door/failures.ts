/** Guesses at secrets: each network has a few a minute, then waits. */
import type { FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import { type Rate, TokenBucket } from '../flow/token-bucket.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { failureRate, maxFailuresRemembered } from './limits.ts';
import { visitorOf } from './visitors.ts';

export class Failures {
  readonly #now: () => number;
  readonly #rate: Rate;
  readonly #left = new BoundedCache<string, TokenBucket>(maxFailuresRemembered);

  /** `now`: monotonic milliseconds. */
  constructor({ rate = failureRate, now = () => performance.now() }: { rate?: Rate; now?: () => number } = {}) {
    this.#rate = rate;
    this.#now = now;
  }

  /**
   * Throws `too-many-requests` for a network that has failed too often. Call it before the secret is compared, else a
   * right guess would show among those refused. `subject`: what is guessed at, such as a link.
   */
  check(request: FastifyRequest, subject: string): void {
    const left = this.#left.get(keyOf(request, subject));
    if (left === undefined || left.left >= 1) return;
    throw new ChordialError('too-many-requests', 'Too many wrong attempts from this address. Try again in a minute.');
  }

  /** A secret was wrong. */
  count(request: FastifyRequest, subject: string): void {
    const key = keyOf(request, subject);
    const left = this.#left.get(key) ?? new TokenBucket(this.#rate, this.#now);
    left.take(Math.min(1, left.left));
    this.#left.set(key, left);
  }
}

function keyOf(request: FastifyRequest, subject: string): string {
  return `${visitorOf(request.raw)} ${subject}`;
}
