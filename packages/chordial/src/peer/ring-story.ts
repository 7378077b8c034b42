/** Events of the ring as plain lines. In a teaching ring peers are shown by number. */

import {
  type Contact,
  type HostId,
  isMember,
  type MemberPointer,
  type MemberState,
  type Pointer,
  type RingEvent,
  toBigInt,
} from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';
import { peerLabel } from '../network/peer-label.ts';
import { type Said, type SentenceCode, said, type ValuesOf } from '../sentences.ts';
import type { LogLevel } from './event-level.ts';

/** Remembered, so that each is reported once. */
const maxNeighbours = 1024;

export interface StoryLine {
  readonly kind: string;
  readonly text: string;
  /** Of a sentence that can also be said in other languages, see sentences.ts. */
  readonly code?: SentenceCode;
  readonly values?: Said['values'];
  readonly level?: LogLevel;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface RingStoryOptions {
  readonly self: HostId;
  readonly teaching: boolean;
  /** The name of a peer. */
  readonly called: (host: HostId) => string;
  readonly tell: (line: StoryLine) => void;
}

export class RingStory {
  readonly #teaching: boolean;
  readonly #self: HostId;
  readonly #called: (host: HostId) => string;
  readonly #tell: (line: StoryLine) => void;
  /** Ids of teaching peers by host, used even after their death. */
  readonly #numbers = new Map<HostId, string>();
  /** Recent joiners not yet seen as neighbours; the oldest is evicted. */
  readonly #asked = new BoundedCache<HostId, number>(256);
  /** Hosts reported as neighbours; the oldest is evicted. */
  readonly #neighbours = new Set<HostId>();
  #isMember = false;

  constructor({ self, teaching, called, tell }: RingStoryOptions) {
    this.#self = self;
    this.#teaching = teaching;
    this.#called = called;
    this.#tell = tell;
  }

  /** Display name of a peer: its number in a teaching ring, else its name or the end of its id, and its address. */
  nameOf(contact: Contact): string {
    const number = this.#numbers.get(contact.host);
    return number === undefined ? peerLabel(contact, this.#called) : `Peer ${number}`;
  }

  observe(event: RingEvent): void {
    if (event.kind === 'committed') this.#committed(event.member, event.before, event.after);
    else if (event.kind === 'host') this.#host(event.contact, event.liveness);
    else if (event.kind === 'join-request') this.#joinRequest(event.from, event.next);
    else if (event.kind === 'joined') {
      this.#isMember = true;
      this.#tell({ kind: 'joined', ...said('joined', {}, 'This peer is a member of the ring') });
    } else if (event.kind === 'other-ring') {
      const who = this.nameOf(event.contact);
      const text = `${who} is in another ring of this network: the rings are being merged`;
      this.#tell({ kind: 'merge', ...said('rings-merge', { who }, text), detail: { id: event.contact.host } });
    } else {
      this.#tell({ kind: 'isolated', ...said('isolated', {}, 'All successors of a member are gone: it joins again') });
    }
  }

  #joinRequest(from: Contact, next: MemberPointer | null): void {
    if (this.#asked.get(from.host) !== undefined) return;
    this.#asked.set(from.host, Date.now());
    const who = this.nameOf(from);
    const detail = { id: from.host, next: next?.contact.host ?? null };
    if (next === null) {
      const received = said('join-request', { who }, `${who}: join request received`);
      this.#tellPointer({ kind: 'join-request', ...received, detail });
    } else {
      this.#learn(next);
      const to = this.nameOf(next.contact);
      const forwarded = said('join-forwarded', { who, next: to }, `${who}: join request forwarded to ${to}`);
      this.#tellPointer({ kind: 'join-request', ...forwarded, detail });
    }
  }

  #committed(member: MemberPointer, before: MemberState | null, after: MemberState | null): void {
    if (after === null) return;
    for (const pointer of [after.predecessor, ...after.successors]) this.#learn(pointer);
    if (!this.#teaching) this.#meet(after.predecessor.contact);
    if (before?.predecessor.id !== after.predecessor.id) this.#newPredecessor(after, member);
    // A host has many members; the first one stands for it, to keep the log readable.
    if (member.index !== 0) return;
    for (const [place, ordinal] of ['first', 'second'].entries()) {
      const now = after.successors[place];
      if (!isMember(now) || now.id === before?.successors[place]?.id) continue;
      const isNew = isMember(before?.successors[place]);
      const { shown, values } = this.#placeOf(now);
      const text = `My ${isNew ? 'new ' : ''}${ordinal} successor is ${shown}`;
      const detail = { place, id: now.contact.host, ringId: now.id };
      const line = said('successor', { which: place + 1, isNew, ...values }, text);
      this.#tellPointer({ kind: 'successor', ...line, detail });
    }
  }

  /** Where peers have many members each, pointers of a joining one matter only for debugging. */
  #tellPointer(line: StoryLine): void {
    this.#tell(this.#teaching ? line : { ...line, level: 'debug' });
  }

  /** Instead of these one line: the adjacent hosts change when one joins. */
  #meet(contact: Contact): void {
    const { host } = contact;
    if (host === this.#self || this.#neighbours.has(host)) return;
    this.#neighbours.add(host);
    const [oldest] = this.#neighbours;
    if (this.#neighbours.size > maxNeighbours && oldest !== undefined) this.#neighbours.delete(oldest);
    // Those present when this peer joined are not reported.
    if (!this.#isMember) return;
    const who = this.nameOf(contact);
    const line = said('neighbour', { who }, `${who} is now a neighbour on the ring`);
    this.#tell({ kind: 'neighbour', ...line, detail: { id: host } });
  }

  #newPredecessor({ predecessor }: MemberState, member: MemberPointer): void {
    const { host } = predecessor.contact;
    if (host !== this.#self && this.#asked.delete(host)) {
      const who = this.nameOf(predecessor.contact);
      const accepted = said('join-accepted', { who }, `${who}: join request accepted`);
      this.#tellPointer({ kind: 'join-accepted', ...accepted, detail: { id: host } });
    }
    if (member.index !== 0 || predecessor.id === member.id) return;
    const { shown, values } = this.#placeOf(predecessor);
    const line = said('predecessor', values, `My new predecessor is ${shown}`);
    this.#tellPointer({ kind: 'predecessor', ...line, detail: { id: host, ringId: predecessor.id } });
  }

  #host(contact: Contact, liveness: string): void {
    if (liveness === 'left') this.#neighbours.delete(contact.host);
    const who = this.nameOf(contact);
    const lines: Record<string, Said> = {
      alive: said('peer-alive', { who }, `${who} is back`),
      dead: said('peer-dead', { who }, `${who} is no longer alive`),
      away: said('peer-away', { who }, `${who} has stopped; it keeps its data and may come back`),
      left: said('peer-left', { who }, `${who} has departed from the network`),
    };
    const line = lines[liveness];
    if (line !== undefined) this.#tell({ kind: `peer-${liveness}`, ...line, detail: { id: contact.host } });
  }

  #placeOf(pointer: MemberPointer): { shown: string; values: ValuesOf<'predecessor'> } {
    const name = this.nameOf(pointer.contact);
    if (this.#teaching) return { shown: name, values: { who: name, place: null } };
    const who = pointer.contact.host === this.#self ? null : name;
    const place = `${pointer.id.slice(0, 8)}…`;
    return { shown: `${place} of ${who ?? 'this peer'}`, values: { who, place } };
  }

  #learn(pointer: Pointer): void {
    if (this.#teaching && isMember(pointer)) this.#numbers.set(pointer.contact.host, toBigInt(pointer.id).toString());
  }
}
