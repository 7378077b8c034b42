/** FIND: what this host knows about a key, from the lists, fingers and cached members of all its own members. */

import type { MemberCache } from '../one-hop/member-cache.ts';
import { between, distance, inOwnedArc, type RingId } from '../protocol/identifier.ts';
import type { MemberState } from '../protocol/member-state.ts';
import { type FindAnswer, maxSuggestions } from '../protocol/messages.ts';
import { type HostId, isMember, type MemberPointer } from '../protocol/pointer.ts';
import { listCovers } from '../protocol/successor-list.ts';
import type { Fingers } from './fingers.ts';

export interface OwnMember {
  readonly state: MemberState;
  readonly fingers: Fingers;
}

export interface RouterPorts {
  readonly self: HostId;
  /** Another host asks, so I was chosen for this key; else it is anyone's key, at the start of a lookup of mine. */
  readonly forOther: boolean;
  readonly bits: number;
  /** Own members that are members now, sorted by id. */
  own(): readonly OwnMember[];
  readonly cache: MemberCache;
  /** Entries of a list handed on as believed owners: the owner, and those that would own the key if it were dead. */
  readonly guesses: number;
  isGone(pointer: MemberPointer): boolean;
  /** null switches proximity routing off (teaching rings). */
  readonly roundTrip: ((pointer: MemberPointer) => number | null) | null;
}

const closerFromCache = 4;
/** Where a lookup of mine may begin: no message carries them, and most of them may be dead. */
const maxOwnSuggestions = 64;
const placesWorthWalking = 2n;
const ownersFromCache = 4;
/** In spaces between members: a complete cache has a wider gap around one key in 330. */
const widestGap = 8n;

export function find(key: RingId, ports: RouterPorts): FindAnswer {
  const own = ports.own();
  if (own.length === 0) return findWithoutMembers(key, ports);
  const next = own.find((m) => m.state.me.id >= key) ?? own[0]!;
  const { state } = next;
  if (inOwnedArc(state.predecessor.id, key, state.me.id)) {
    const { me: owner, predecessor, successors } = state;
    return { owned: { owner, predecessor, successors }, guesses: [], closer: [] };
  }
  const before = own.findLast((m) => m.state.me.id < key) ?? own[own.length - 1]!;
  // By id: hosts of many members have hundreds of fingers, most of them the same.
  const guessed = new Map<RingId, MemberPointer>();
  const suggest = (list: Map<RingId, MemberPointer>, pointer: MemberPointer) => {
    if (list.has(pointer.id) || pointer.contact.host === ports.self || ports.isGone(pointer)) return;
    list.set(pointer.id, pointer);
  };
  for (const pointer of fromList(before.state, key, ports.guesses)) suggest(guessed, pointer);
  if (isNearBehind(state, key, ports)) suggest(guessed, state.predecessor);
  if (!ports.forOther && guessed.size === 0) {
    for (const pointer of cachedOwners(key, before.state, state, ports)) suggest(guessed, pointer);
  }
  const guesses = [...guessed.values()];
  guesses.sort((a, b) => (a.id === key || (b.id !== key && between(key, a.id, b.id)) ? -1 : 1));

  const preceding = new Map<RingId, MemberPointer>();
  for (const entry of before.state.successors) {
    if (isMember(entry) && between(before.state.me.id, entry.id, key)) suggest(preceding, entry);
  }
  for (const member of own) for (const finger of member.fingers.preceding(key)) suggest(preceding, finger);
  for (const pointer of ports.cache.before(key, closerFromCache)) suggest(preceding, pointer);
  const closer = [...preceding.values()];
  sortPreceding(closer, key);
  const best = closer[0];
  if (best !== undefined && ports.roundTrip !== null && guesses.length === 0) {
    const near = before.fingers.nearest(best, key, ports.roundTrip);
    if (near.id !== best.id) closer.unshift(near);
  }
  const most = ports.forOther ? maxSuggestions : maxOwnSuggestions;
  const maxGuesses = Math.max(maxSuggestions, ports.guesses);
  return { owned: null, guesses: guesses.slice(0, maxGuesses), closer: closer.slice(0, most) };
}

/**
 * Asked by another: the key lies no further behind me than my list reaches ahead, so I was probably taken for its owner,
 * and newcomers stand between. For a key further off my predecessor would send the asker walking round the ring
 * backwards. At the start of a lookup of mine no one has chosen me: the walk pays only for the very next places.
 */
function isNearBehind(state: MemberState, key: RingId, { forOther, bits }: RouterPorts): boolean {
  const members = state.successors.filter(isMember);
  const last = members.at(-1);
  if (last === undefined) return true;
  const behind = distance(key, state.me.id, bits);
  const ahead = distance(state.me.id, last.id, bits);
  return forOther ? behind <= ahead : behind * BigInt(members.length) <= ahead * placesWorthWalking;
}

/** A client stands nowhere: it asks the one it believes to own the key, and those before it. */
function findWithoutMembers(key: RingId, { forOther, cache, isGone }: RouterPorts): FindAnswer {
  if (forOther) return { owned: null, guesses: [], closer: [] };
  const alive = (pointer: MemberPointer) => !isGone(pointer);
  const guesses = cache.from(key, ownersFromCache).filter(alive);
  return { owned: null, guesses, closer: cache.before(key, closerFromCache).filter(alive) };
}

/**
 * Who owns the key by the membership cache, and those that follow: one hop when it is right, one or two more when it is
 * not, for the owner itself answers. Only where the cache is as dense as the ring: elsewhere the member before the key
 * knows better.
 */
function cachedOwners(key: RingId, before: MemberState, next: MemberState, { cache, bits }: RouterPorts) {
  const [last] = cache.before(key, 1);
  const found = cache.from(key, ownersFromCache).filter(({ id }) => id === key || between(key, id, next.me.id));
  if (isMember(next.predecessor) && !found.some(({ id }) => id === next.predecessor.id)) found.push(next.predecessor);
  const first = found[0];
  const members = before.successors.filter(isMember);
  const end = members.at(-1);
  if (last === undefined || first === undefined || end === undefined) return [];
  const gap = distance(last.id, first.id, bits) * BigInt(members.length);
  return gap <= distance(before.me.id, end.id, bits) * widestGap ? found : [];
}

/** Closest preceding first. */
export function sortPreceding(pointers: MemberPointer[], key: RingId): void {
  pointers.sort((a, b) => (a.id === b.id ? 0 : between(b.id, a.id, key) ? -1 : 1));
}

/** When the list of this member covers the key: the entry that owns it by the list, and the following ones. */
function fromList(state: MemberState, key: RingId, guesses: number): readonly MemberPointer[] {
  if (!listCovers(state, key)) return [];
  let last: RingId = state.me.id;
  for (const [place, entry] of state.successors.entries()) {
    if (!isMember(entry)) break;
    if (inOwnedArc(last, key, entry.id)) return state.successors.slice(place, place + guesses).filter(isMember);
    last = entry.id;
  }
  return [];
}
