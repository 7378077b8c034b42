/** Blocks sent and received, reported once a second per host instead of once per block. */

import type { Clock, Contact, HostId, Timer } from '@chordial/ring';
import { peerLabel } from '../network/peer-label.ts';
import { said } from '../sentences.ts';
import type { FileEvent } from './files.ts';
import { formatBytes } from './format-bytes.ts';

const intervalMilliseconds = 1000;

interface Sum {
  readonly kind: 'stored' | 'sent';
  readonly peer: Contact;
  blocks: number;
  bytes: number;
}

export class BlockTraffic {
  readonly #clock: Clock;
  readonly #notify: (event: FileEvent) => void;
  readonly #called: (host: HostId) => string;
  readonly #sums = new Map<string, Sum>();
  #timer: Timer | null = null;

  constructor(clock: Clock, notify: (event: FileEvent) => void, called: (host: HostId) => string) {
    this.#clock = clock;
    this.#notify = notify;
    this.#called = called;
  }

  add(kind: 'stored' | 'sent', peer: Contact, blocks: number, bytes: number): void {
    const key = `${kind} ${peer.host}`;
    const sum = this.#sums.get(key) ?? { kind, peer, blocks: 0, bytes: 0 };
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
    for (const { kind, peer, blocks, bytes } of sums) {
      const what = `${blocks} ${blocks === 1 ? 'block' : 'blocks'} (${formatBytes(bytes)})`;
      const who = peerLabel(peer, this.#called);
      const text = kind === 'stored' ? `Stored ${what} from ${who}.` : `Sent ${what} to ${who}.`;
      this.#notify({ kind, ...said(kind, { blocks, bytes, who }, text) });
    }
  }
}
