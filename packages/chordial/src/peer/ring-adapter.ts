/** The ring as used by the data layer: promises instead of callbacks. */

import type {
  Contact,
  Found,
  HostId,
  MemberPointer,
  MemberState,
  RingEvent,
  RingHost,
  RingId,
  RingShape,
} from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import type { RingView } from '../records/ring-view.ts';

export class RingAdapter implements RingView {
  readonly shape: RingShape;
  readonly #ring: RingHost;
  readonly #listeners = new Set<() => void>();
  readonly #restartListeners = new Set<(host: HostId) => void>();

  constructor(ring: RingHost, shape: RingShape) {
    this.#ring = ring;
    this.shape = shape;
  }

  get self(): Contact {
    return this.#ring.self;
  }

  states(): readonly MemberState[] {
    return this.#ring.states();
  }

  locate(key: RingId): Promise<Found & { readonly key: RingId }> {
    return new Promise((resolve, reject) => {
      if (this.#ring.states().length === 0 && !this.#ring.isClient) {
        return reject(new ChordialError('not-a-member', 'This peer is not a member of a ring now. Wait or join one.'));
      }
      this.#ring.lookup(key, (found) => {
        if (found !== null) return resolve({ ...found, key });
        const message = `The owner of key ${key} could not be found in time: too many peers do not answer. Try again when the ring has healed.`;
        reject(new ChordialError('timeout', message));
      });
    });
  }

  stateOf(member: MemberPointer): Promise<MemberState | null> {
    return new Promise((resolve) => this.#ring.stateOf(member, resolve));
  }

  isDead(host: HostId): boolean {
    return this.#ring.isDown(host);
  }

  mayHold(host: HostId): boolean {
    return this.#ring.mayBeMember(host);
  }

  hosts(): readonly Contact[] {
    return this.#ring.isClient ? this.#ring.liveHosts() : [this.#ring.self, ...this.#ring.hostsWithPlaces()];
  }

  nearby(key: RingId, most?: number): readonly Contact[] {
    return this.#ring.hostsAfter(key, most);
  }

  suspect(contact: Contact): void {
    this.#ring.suspect(contact);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onRestart(listener: (host: HostId) => void): () => void {
    this.#restartListeners.add(listener);
    return () => this.#restartListeners.delete(listener);
  }

  /** The ring's observer calls this with every event. */
  observe(event: RingEvent): void {
    if (changesPlaces(event)) this.changed();
    else if (event.kind === 'restarted') this.restarted(event.contact.host);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  restarted(host: HostId): void {
    for (const listener of this.#restartListeners) listener(host);
  }
}

/** Whether places may be others after the event. */
export function changesPlaces(event: RingEvent): boolean {
  return event.kind === 'committed' || (event.kind === 'host' && event.hadPlaces);
}

/** In networks of up to this many hosts each is asked directly. */
const maxHostsOfSmallNetwork = 64;

/**
 * In ring order. In a small network, members of hosts that never contacted this one are unverified: passing parts of
 * the ring to hundreds of made-up ones would use up the query's time.
 */
export function askedMembers(ring: Pick<RingHost, 'self' | 'members' | 'hostsWithPlaces'>): readonly MemberPointer[] {
  const spoke = new Set<HostId>([ring.self.host, ...ring.hostsWithPlaces().map(({ host }) => host)]);
  const members = ring.members();
  return spoke.size > maxHostsOfSmallNetwork ? members : members.filter(({ contact }) => spoke.has(contact.host));
}
