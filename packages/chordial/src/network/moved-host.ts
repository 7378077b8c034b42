/** A host whose addresses have changed tells those that it speaks with: their connections began with the old ones. */
import type { Clock, Contact, Milliseconds, Timer } from '@chordial/ring';
import { type Rate, TokenBucket } from '../flow/token-bucket.ts';
import { Message, type Registry } from '../wire/message.ts';
import { list, textThat, tuple } from '../wire/schema.ts';
import { isDialable, isLoopbackAddress, maxAddresses, withoutLoopback } from './addresses.ts';
import { type Transport, TransportError } from './transport.ts';

const deadline = 5000;
/** Of those it knows; others hear of it by the ring. */
export const maxToldOfMove = 64;

/** Others can make this host move, by what they see of it and as its relays; it tells so much of it. */
export const moveRate: Rate = { burst: 4, perSecond: 0.2 };
/** Relays that die together, and those that replace them, are one move: otherwise the last of them would be told late. */
export const gatherMilliseconds: Milliseconds = 150;

export const movedMessages = {
  moved: new Message(
    'contact.moved',
    tuple({ addresses: list(textThat(isDialable, 'is no address'), maxAddresses) }),
    tuple({}),
  ),
};

export function answerMoves<Payload>(registry: Registry<Contact, Payload>, learn: (contact: Contact) => void): void {
  registry.on(movedMessages.moved, ({ addresses }, from) => {
    // One of another machine did not give its loopback in HELLO either.
    const isHere = from.addresses.some(isLoopbackAddress);
    learn({ ...from, addresses: isHere ? addresses : withoutLoopback(addresses) });
    return {};
  });
}

export async function tellMove(transport: Transport, hosts: readonly Contact[], own: Contact): Promise<void> {
  const { addresses } = own;
  const telling = hosts.slice(0, maxToldOfMove).map(async (host) => {
    try {
      await movedMessages.moved.ask(transport, host, { addresses }, { deadline });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
    }
  });
  await Promise.all(telling);
}

/** Moves are told soon, those at the same time together, and many of them together after a while. */
export class MoveNews {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #tell: () => void;
  readonly #bucket: TokenBucket;
  #timer: Timer | null = null;

  constructor(clock: Pick<Clock, 'now' | 'after'>, tell: () => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#bucket = new TokenBucket(moveRate, clock.now);
  }

  moved(): void {
    if (this.#timer !== null) return;
    const { left } = this.#bucket;
    const wait = left >= 1 ? gatherMilliseconds : Math.ceil(((1 - left) * 1000) / moveRate.perSecond);
    this.#timer = this.#clock.after(wait, () => {
      this.#timer = null;
      if (this.#bucket.left < 1) return this.moved();
      this.#bucket.take();
      this.#tell();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }
}
