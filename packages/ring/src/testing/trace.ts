/** One line per message that was sent, lost or delivered, hashed as it goes: equal seeds must give equal hashes. */
import { createHash } from 'node:crypto';

export type Outcome = 'sent' | 'lost' | 'cut-off' | 'delivered' | 'refused' | 'answered' | 'timeout';

export class Trace {
  readonly #hash = createHash('sha256');
  events = 0;

  note(event: string): void {
    this.events++;
    this.#hash.update(`${event}\n`);
  }

  /** Of everything noted so far; more may be noted afterwards. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
