/** Hosts that say that a limit of their own lets this one wait. People are told; nothing is decided by it. */
import type { Clock, Contact, HostId, Milliseconds } from '@chordial/ring';
import { type Said, said } from '../sentences.ts';

/** They say so at least once a second while it lasts. */
const believedMilliseconds: Milliseconds = 3000;
/** More are not named. */
const maxNamed = 3;
const maxHosts = 256;

export class LimitedPeers {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #called: (host: HostId) => string;
  readonly #last = new Map<HostId, Milliseconds>();

  constructor(clock: Pick<Clock, 'now'>, called: (host: HostId) => string) {
    this.#clock = clock;
    this.#called = called;
  }

  note({ host }: Pick<Contact, 'host'>): void {
    if (!this.#last.has(host) && this.#last.size >= maxHosts) this.#forget();
    if (this.#last.size < maxHosts || this.#last.has(host)) this.#last.set(host, this.#clock.now());
  }

  /** A sentence about those of this moment; null: there are none. */
  reason(): Said | null {
    this.#forget();
    if (this.#last.size === 0) return null;
    const names = [...this.#last.keys()].slice(0, maxNamed).map(this.#called);
    const more = Math.max(0, this.#last.size - maxNamed);
    const others = more > 0 ? ` and ${more} more` : '';
    const text = `Slow because of the limits of other peers: ${names.join(', ')}${others}.`;
    return said('slow-peers', { names, more }, text);
  }

  #forget(): void {
    const since = this.#clock.now() - believedMilliseconds;
    for (const [host, last] of this.#last) if (last < since) this.#last.delete(host);
  }
}
