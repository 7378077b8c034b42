/**
 * Which of this host's arcs were found alike at all their places, each of them sure of it, with nothing changed around
 * them since. A round after a change of the ring passes over these: a join changes a few arcs, and for it every host would
 * compare all of its arcs with all of its partners, again and again. The regular rounds compare everything.
 */
import { type HostId, isMember } from '@chordial/ring';
import type { RingView } from '../records/ring-view.ts';
import { keyRangeOfArc } from '../storage/key-range.ts';
import type { KeyArc } from '../storage/range-parts.ts';
import type { OwnArc } from './own-arcs.ts';

interface Known {
  readonly after: string;
  /** The other hosts that are asked about the arc, in ring order. */
  readonly hosts: readonly HostId[];
  /** So many hosts are asked if there are so many. */
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

  /** Whether nothing about the arc is to be asked again: it is settled, and the same hosts would be asked. */
  has({ range, others }: OwnArc, asked: number): boolean {
    const known = this.#known.get(range.upTo);
    if (known === undefined || !known.isSettled || known.after !== range.after || known.asked !== asked) return false;
    const hosts = others.slice(0, asked);
    return hosts.length === known.hosts.length && hosts.every(({ host }, index) => host === known.hosts[index]);
  }

  /** An arc is about to be compared with so many others. The answer settles it, unless something changes around it before. */
  compare({ range, others }: OwnArc, asked: number): () => void {
    const hosts = others.slice(0, asked).map(({ host }) => host);
    const known = { after: range.after, hosts, asked, isSettled: false };
    this.#known.set(range.upTo, known);
    return () => {
      known.isSettled = true;
    };
  }

  /**
   * To be called at every change of the ring, not only when it has settled: a place whose host was gone for an instant,
   * and has begun a new life, is to be asked again.
   */
  look(): void {
    if (this.#known.size === 0) return;
    const kept = new Map<string, Known>();
    for (const { me, predecessor, successors } of this.#view.states()) {
      const { after, upTo } = keyRangeOfArc(predecessor.id, me.id, this.#view.shape.bits) as KeyArc;
      const known = this.#known.get(upTo);
      if (known === undefined || known.after !== after) continue;
      const hosts = new Set<HostId>();
      for (const entry of successors) {
        if (hosts.size === known.asked) break;
        if (!isMember(entry)) continue;
        const { host } = entry.contact;
        if (host !== this.#view.self.host && !this.#view.isDead(host)) hosts.add(host);
      }
      // Those that the list does not reach are looked at by the round itself.
      if ([...hosts].every((host, index) => host === known.hosts[index])) kept.set(upTo, known);
    }
    this.#known = kept;
  }
}
