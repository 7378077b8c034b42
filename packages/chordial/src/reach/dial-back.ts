/**
 * Answers members that ask whether they can be reached: dials the address from which the asker's connection comes, with
 * the port asked for, and looks by TLS whether the asker is there. Every dialling is paid for by its asker: a few, slowly
 * replenished, one at a time; and all together have a limit too.
 */
import type { HostId } from '@chordial/ring';
import { TokenBucket } from '../flow/token-bucket.ts';
import type { Address } from '../network/addresses.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { TransportError, type TransportFailure, type Wire } from '../network/transport.ts';
import { type DialledBack, type DialOutcome, reachMessages } from './reach-messages.ts';

/** Per asker: as many at once, then one every 20 s. */
const askerRate = { burst: 6, perSecond: 0.05 } as const;
/** Of all askers together. */
const dialRate = { burst: 32, perSecond: 2 } as const;
const maxDialling = 16;
/** Askers whose diallings are counted; one forgotten has its burst again, within the limit of all. */
const maxAskers = 1024;

const outcomeOf: Readonly<Record<TransportFailure, DialOutcome>> = {
  unreachable: 'refused',
  timeout: 'silent',
  refused: 'another',
  aborted: 'silent',
};

export interface DialBackPorts {
  readonly self: HostId;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** The host at an address, by TLS alone; null without a certificate. Ends within seconds; rejects with a TransportError. */
  readonly hostAt: (address: Address) => Promise<HostId | null>;
}

export class DialBacks {
  readonly #ports: DialBackPorts;
  readonly #askers: BoundedCache<HostId, TokenBucket>;
  readonly #all: TokenBucket;
  readonly #dialling = new Set<HostId>();

  constructor(ports: DialBackPorts) {
    this.#ports = ports;
    this.#askers = new BoundedCache(maxAskers);
    this.#all = new TokenBucket(dialRate, ports.now);
  }

  /** @param seenAt see `Handlers.request` */
  async answer(from: HostId, seenAt: string | null, question: Wire): Promise<Wire> {
    const { dialBack } = reachMessages;
    return dialBack.encodeAnswer(await this.#dial(from, seenAt, dialBack.decode(question).port));
  }

  async #dial(from: HostId, seenAt: string | null, port: number): Promise<DialledBack> {
    if (seenAt === null || from === this.#ports.self) {
      const message = 'Your connection comes from this machine or through a relay: dialling it proves nothing.';
      throw new TransportError('refused', message, 'bad-request');
    }
    const allowance = this.#askers.get(from) ?? new TokenBucket(askerRate, this.#ports.now);
    this.#askers.set(from, allowance);
    const isTooMuch = allowance.left < 1 || this.#all.left < 1 || this.#dialling.size >= maxDialling;
    if (this.#dialling.has(from) || isTooMuch) {
      throw new TransportError('refused', 'Too many are to be dialled back. Ask another member, or later.', 'busy');
    }
    allowance.take();
    this.#all.take();
    this.#dialling.add(from);
    try {
      const host = await this.#ports.hostAt({ host: seenAt, port });
      return { address: seenAt, outcome: host === from ? 'reached' : 'another' };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return { address: seenAt, outcome: outcomeOf[error.failure] };
    } finally {
      this.#dialling.delete(from);
    }
  }
}
