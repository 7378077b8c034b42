/**
 * Which of this host's arcs were found equal at all their places, each authoritative, with no change around them since.
 * A round after a change of the ring skips these: a join changes a few arcs, and otherwise every host would compare all
 * of its arcs with all of its partners again. The regular rounds compare everything.
 */
import { type Contact, type HostId, isMember } from '@chordial/ring';
import type { RingView } from '../records/ring-view.ts';
import { byZone } from '../records/zone-order.ts';
import { keyRangeOfArc } from '../storage/key-range.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { OwnArc } from './own-arcs.ts';

interface Known {
  readonly after: string;
  /** The other hosts asked about the arc, places first. */
  readonly hosts: readonly Contact[];
  /** Number of hosts asked, if available. */
  readonly asked: number;
  isSettled: boolean;
}

export class InSyncRanges {
  readonly #view: Pick<RingView, 'self' | 'shape' | 'states' | 'isDead'>;
  /** By the last key of the arc; one for each member of this host. */
  #known = new Map<string, Known>();

  constructor(view: Pick<RingView, 'self' | 'shape' | 'states' | 'isDead'>) {
    this.#view = view;
  }

  clear(): void {
    this.#known.clear();
  }

  /** The host has lost what it was told of the arcs around it. */
  forget(host: HostId): void {
    for (const [upTo, { hosts }] of this.#known)
      if (hosts.some((known) => known.host === host)) this.#known.delete(upTo);
  }

  /** Whether the arc can be skipped: it is in sync, and the same hosts would be asked. */
  has({ range, others }: OwnArc, asked: number): boolean {
    const known = this.#known.get(range.upTo);
    if (known === undefined || !known.isSettled || known.after !== range.after || known.asked !== asked) return false;
    const hosts = others.slice(0, asked);
    return hosts.length === known.hosts.length && hosts.every(({ host }, index) => host === known.hosts[index]?.host);
  }

  /**
   * An arc is about to be compared with so many others. The answer marks it in sync, unless something changes around it
   * before.
   */
  compare({ range, others }: OwnArc, asked: number): () => void {
    const hosts = others.slice(0, asked);
    const known = { after: range.after, hosts, asked, isSettled: false };
    this.#known.set(range.upTo, known);
    return () => {
      known.isSettled = true;
    };
  }

  /**
   * Called on every change of the ring, not only when it has settled: a place whose host was gone for a moment, and has
   * restarted, must be asked again.
   */
  look(): void {
    if (this.#known.size === 0) return;
    const kept = new Map<string, Known>();
    for (const { me, predecessor, successors } of this.#view.states()) {
      const { after, upTo } = keyRangeOfArc(predecessor.id, me.id, this.#view.shape.bits) as KeyArc;
      const known = this.#known.get(upTo);
      if (known === undefined || known.after !== after) continue;
      const listed = new Map<HostId, Contact>();
      for (const { contact } of successors.filter(isMember))
        if (!this.#view.isDead(contact.host)) listed.set(contact.host, listed.get(contact.host) ?? contact);
      listed.delete(me.contact.host);
      if (this.#isSame(known, [...listed.values()])) kept.set(upTo, known);
    }
    this.#known = kept;
  }

  /** Whether the arc still has these places, as far as the list of its owner tells. Those beyond are compared by the round itself. */
  #isSame({ hosts, asked }: Known, listed: readonly Contact[]): boolean {
    const before = byZone([this.#view.self, ...hosts]);
    const now = byZone([this.#view.self, ...listed]);
    return (
      isBeginOf(now.firsts.slice(0, asked + 1), before.firsts) &&
      isBeginOf(now.others.slice(0, asked + 1 - before.firsts.length), before.others) &&
      !now.others.some(({ host }) => before.firsts.some((first) => first.host === host))
    );
  }
}

function isBeginOf(some: readonly Contact[], all: readonly Contact[]): boolean {
  return some.every(({ host }, index) => host === all[index]?.host);
}
