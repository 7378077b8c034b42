/**
 * How a broadcast divides the ring: a member that is given the ring from itself up to an end hands parts of it on to members
 * inside, and each of them does the same, until no one is left in between. Every member is reached once; a member that only its
 * predecessor knows of is reached through that one.
 */
import { between } from '../ring/identifier.ts';
import type { Contact, HostId, MemberPointer } from '../ring/pointer.ts';
import type { Part } from './search-messages.ts';

/** With so few hosts each is told all its parts at once; in larger rings the question goes down a tree of this width. */
export const breadth = 16;

export interface Handed {
  readonly host: Contact;
  readonly parts: readonly Part[];
}

/** @param members known ones in ring order */
export function divide(part: Part, members: readonly MemberPointer[]): readonly Handed[] {
  const inside = membersInside(part, members);
  const hosts = new Set(inside.map(({ contact }) => contact.host));
  const size = hosts.size <= breadth ? 1 : Math.ceil(inside.length / breadth);
  const heads = inside.filter((_, place) => place % size === 0);
  const byHost = new Map<HostId, { host: Contact; parts: Part[] }>();
  for (const [place, { id, contact }] of heads.entries()) {
    const handed = byHost.get(contact.host) ?? { host: contact, parts: [] };
    handed.parts.push({ member: id, end: heads[place + 1]?.id ?? part.end });
    byHost.set(contact.host, handed);
  }
  return [...byHost.values()];
}

/** Strictly between the two, from the nearest to the farthest; all but the member itself when the part is the whole ring. */
function membersInside({ member, end }: Part, members: readonly MemberPointer[]): readonly MemberPointer[] {
  const inside = members.filter(({ id }) => between(member, id, end));
  const wraps = inside.findIndex(({ id }) => id > member);
  return wraps <= 0 ? inside : [...inside.slice(wraps), ...inside.slice(0, wraps)];
}

/**
 * A part whose own member did not answer is handed on by another, who may not know everybody behind it: from that member up to the first
 * one known, the one that is the nearest known before it knows better, and nearer ones better still. Null when the part is one's own, or no one is nearer.
 */
export function gapBehind(part: Part, members: readonly MemberPointer[], self: HostId): Handed | null {
  const { member, end } = part;
  const others = members.filter(({ id }) => id !== member);
  if (members.some(({ id, contact }) => id === member && contact.host === self)) return null;
  const before = others.findLast(({ id }) => id < member) ?? others.at(-1);
  if (before === undefined || before.contact.host === self) return null;
  return { host: before.contact, parts: [{ member, end: membersInside(part, members)[0]?.id ?? end }] };
}
