/** Blocks that come and go, told once a second per host and not once per block (row A23). */
import type { Contact, HostId } from '../ring/pointer.ts';
import type { Clock, Timer } from '../ring/ports.ts';
import type { FileEvent } from './files.ts';
import { shownSize } from './shown-size.ts';

const intervalMilliseconds = 1000;

interface Sum {
  readonly kind: 'stored' | 'sent';
  readonly host: HostId;
  blocks: number;
  bytes: number;
}

export class BlockTraffic {
  readonly #clock: Clock;
  readonly #notify: (event: FileEvent) => void;
  readonly #sums = new Map<string, Sum>();
  #timer: Timer | null = null;

  constructor(clock: Clock, notify: (event: FileEvent) => void) {
    this.#clock = clock;
    this.#notify = notify;
  }

  add(kind: 'stored' | 'sent', { host }: Contact, blocks: number, bytes: number): void {
    const key = `${kind} ${host}`;
    const sum = this.#sums.get(key) ?? { kind, host, blocks: 0, bytes: 0 };
    sum.blocks += blocks;
    sum.bytes += bytes;
    this.#sums.set(key, sum);
    this.#timer ??= this.#clock.after(intervalMilliseconds, () => this.#tell());
  }

  close(): void {
    this.#timer?.cancel();
    this.#sums.clear();
  }

  #tell(): void {
    this.#timer = null;
    const sums = [...this.#sums.values()];
    this.#sums.clear();
    for (const { kind, host, blocks, bytes } of sums) {
      const what = `${blocks} ${blocks === 1 ? 'block' : 'blocks'} (${shownSize(bytes)})`;
      const text = kind === 'stored' ? `Stored ${what} from ${host}.` : `Sent ${what} to ${host}.`;
      this.#notify({ kind, text });
    }
  }
}
