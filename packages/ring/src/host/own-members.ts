/** The members that this host has: all of them, and those that are on the ring now, in ring order. */

import type { RingId } from '../protocol/identifier.ts';
import type { MemberState } from '../protocol/member-state.ts';
import type { HostId, MemberPointer } from '../protocol/pointer.ts';
import { Fingers } from './fingers.ts';
import { Member } from './member.ts';
import type { MemberHost } from './member-host.ts';
import type { OwnMember } from './router.ts';

export class OwnMembers {
  readonly all: readonly Member[];
  readonly #byId = new Map<RingId, Member>();
  readonly #fingers = new Map<Member, Fingers>();
  #joined: readonly OwnMember[] = [];
  /** Made when it is asked for: in a ring that changes many commits pass between two questions. */
  #neighbours: ReadonlySet<HostId> | null = null;
  #changes = 0;

  constructor(pointers: readonly MemberPointer[], bits: number, host: MemberHost) {
    this.all = pointers.map((me) => new Member(me, host));
    for (const member of this.all) {
      this.#byId.set(member.me.id, member);
      this.#fingers.set(member, new Fingers(member.me.id, bits));
    }
  }

  get(id: RingId): Member | undefined {
    return this.#byId.get(id);
  }

  /** Those with a committed state, sorted by id. */
  get joined(): readonly OwnMember[] {
    return this.#joined;
  }

  /** Grows with every commit. */
  get changes(): number {
    return this.#changes;
  }

  fingersOf(member: Member): Fingers {
    return this.#fingers.get(member)!;
  }

  everyFingers(): Iterable<Fingers> {
    return this.#fingers.values();
  }

  /** To be called after every commit. */
  recount(): void {
    this.#joined = this.all
      .filter((member) => member.state !== null)
      .map((member) => ({ state: member.state!, fingers: this.fingersOf(member) }))
      .sort((a, b) => (a.state.me.id < b.state.me.id ? -1 : 1));
    this.#neighbours = null;
    this.#changes += 1;
  }

  /** Whether a member of that host stands next to one of these. */
  isNeighbour(host: HostId): boolean {
    this.#neighbours ??= hostsNextTo(this.#joined.map(({ state }) => state));
    return this.#neighbours.has(host);
  }

  /** The joined member strictly after `id` in ring order; the one at `id` itself when there is no other. */
  after(id: RingId): MemberPointer | null {
    return (this.#joined.find((m) => m.state.me.id > id) ?? this.#joined[0])?.state.me ?? null;
  }

  /** The joined member strictly before `id` in ring order. */
  before(id: RingId): Member | undefined {
    const found = this.#joined.findLast((m) => m.state.me.id < id) ?? this.#joined[this.#joined.length - 1];
    return found && this.#byId.get(found.state.me.id);
  }

  /** Begins as members of the given states, all at once. */
  begin(states: readonly MemberState[]): void {
    for (const state of states) this.#byId.get(state.me.id)!.begin(state);
  }

  /** Begins in a ring that settled long ago; `ownerOf` tells the finger of a start. */
  beginSettled(states: readonly MemberState[], ownerOf: (start: RingId) => MemberPointer): void {
    for (const state of states) {
      const member = this.#byId.get(state.me.id)!;
      this.fingersOf(member).learnAll(state, ownerOf);
      member.beginSettled(state);
    }
  }
}

/** The hosts of the members that these states name beside their own. */
export function hostsNextTo(states: readonly MemberState[]): ReadonlySet<HostId> {
  const hosts = new Set<HostId>();
  for (const { predecessor, successors } of states) {
    hosts.add(predecessor.contact.host);
    for (const { contact } of successors) if (contact !== null) hosts.add(contact.host);
  }
  return hosts;
}
