/** A host that answers FIND as owner whenever the oracle says it owns the key. */

import type { RingHost } from '../src/host/ring-host.ts';
import type { RingId } from '../src/protocol/identifier.ts';
import type { FindAnswer, OwnerAnswer, RingAnswers, RingAsks, RingMessageKind } from '../src/protocol/messages.ts';
import type { Contact, HostId } from '../src/protocol/pointer.ts';
import type { VirtualHost } from '../src/testing/virtual-network.ts';

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
    if (kind !== 'find') {
      this.#ring.handle(from, kind, ask, answer);
      return;
    }
    const { keys } = ask as RingAsks['find'];
    this.#ring.handle(from, 'find', { keys }, (given) => {
      const found = given?.found.map((one, i) => this.#asOwner(keys[i]!, one)) ?? [];
      answer({ found } as RingAnswers['find'] as RingAnswers[K]);
    });
  }

  #asOwner(key: RingId, found: FindAnswer): FindAnswer {
    const owned = this.#ownerOf(key);
    return owned.owner.contact.host === this.self.host ? { owned, guesses: [], closer: [] } : found;
  }
}
