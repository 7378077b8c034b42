/**
 * My list is the tail of my predecessor's: when it changes, that one is told to stabilize now, so a change crosses s
 * members in s round trips. A wake-up that does not arrive is repeated: without it the change waits for a round that may be
 * 20 s away.
 */

import type { MemberState } from '../protocol/member-state.ts';
import type { MemberHost } from './member-host.ts';
import type { Milliseconds, Timer } from './ports.ts';
import { maxWakeRetries } from './timers.ts';

const gapsPerTrip = 2;

export class PredecessorWakeups {
  readonly #ports: MemberHost;
  readonly #state: () => MemberState | null;
  #timer: Timer | null = null;
  #last: Milliseconds = Number.NEGATIVE_INFINITY;
  /** Grows where wake-ups take long to arrive: a host that is late has enough to do. */
  #gap: Milliseconds;

  constructor(ports: MemberHost, state: () => MemberState | null) {
    this.#ports = ports;
    this.#state = state;
    this.#gap = ports.timers.wakeGap;
  }

  changed(retries = maxWakeRetries): void {
    const { clock, timers } = this.#ports;
    const wait = Math.max(0, this.#last + this.#gap - clock.now());
    this.#timer ??= clock.after(wait, () => {
      this.#timer = null;
      this.#last = clock.now();
      const state = this.#state();
      if (state === null || state.predecessor.id === state.me.id || this.#ports.isGone(state.predecessor)) return;
      const sent = clock.now();
      this.#ports.wake(state.predecessor, [], (arrived) => {
        this.#gap = Math.min(Math.max(timers.wakeGap, gapsPerTrip * (clock.now() - sent)), timers.maxWakeGap);
        if (!arrived && retries > 0 && this.#state() !== null) this.changed(retries - 1);
      });
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
