/** One line per message that was sent, lost or delivered, hashed as it goes: equal seeds must give equal hashes. */
import { createHash } from 'node:crypto';
import type { Milliseconds } from '../host/ports.ts';
import type { HostId } from '../protocol/pointer.ts';

export type Outcome = 'sent' | 'lost' | 'cut-off' | 'delivered' | 'refused' | 'answered' | 'timeout';

export class Trace {
  readonly #hash = createHash('sha256');
  events = 0;

  note(at: Milliseconds, kind: string, from: HostId, to: HostId, outcome: Outcome): void {
    this.events++;
    this.#hash.update(`${at} ${kind} ${from} ${to} ${outcome}\n`);
  }

  /** Of everything noted so far; more may be noted afterwards. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
