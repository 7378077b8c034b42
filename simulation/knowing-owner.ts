/** A host that answers FIND as the owner whenever an oracle says that it owns the key. */
import type { RingId } from '../src/ring/identifier.ts';
import type { OwnerAnswer, RingAnswers, RingAsks, RingMessageKind } from '../src/ring/messages.ts';
import type { Contact, HostId } from '../src/ring/pointer.ts';
import type { RingHost } from '../src/ring/ring-host.ts';
import type { VirtualHost } from './virtual-network.ts';

export class KnowingOwner implements VirtualHost {
  readonly #ring: RingHost;
  readonly #ownerOf: (key: RingId) => OwnerAnswer;

  constructor(ring: RingHost, ownerOf: (key: RingId) => OwnerAnswer) {
    this.#ring = ring;
    this.#ownerOf = ownerOf;
  }

  get self(): Contact {
    return this.#ring.self;
  }

  heard(contact: Contact): void {
    this.#ring.heard(contact);
  }

  handle<K extends RingMessageKind>(
    from: HostId,
    kind: K,
    ask: RingAsks[K],
    answer: (answer: RingAnswers[K] | null) => void,
  ): void {
    const key = kind === 'find' ? (ask as RingAsks['find']).keys[0] : undefined;
    const owned = key === undefined ? null : this.#ownerOf(key);
    if (owned?.owner.contact.host !== this.self.host) {
      this.#ring.handle(from, kind, ask, answer);
      return;
    }
    const answers: RingAnswers['find'] = { found: [{ owned, guesses: [], closer: [] }] };
    answer(answers as RingAnswers[K]);
  }
}
