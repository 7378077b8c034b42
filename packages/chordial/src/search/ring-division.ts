/**
 * How a broadcast divides the ring: a member responsible for the ring from itself up to an end passes parts of it to
 * members inside, which do the same, until none is left in between. Every member is reached once; a member known only
 * to its predecessor is reached through it.
 */
import { between, type Contact, type HostId, type MemberPointer } from '@chordial/ring';
import type { Part } from './search-messages.ts';

/** In networks of up to this many hosts all parts are sent at once; in larger ones the query descends a tree of this width. */
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

/** Strictly between the two, nearest first; all but the member itself when the part is the whole ring. */
function membersInside({ member, end }: Part, members: readonly MemberPointer[]): readonly MemberPointer[] {
  const inside = members.filter(({ id }) => between(member, id, end));
  const wraps = inside.findIndex(({ id }) => id > member);
  return wraps <= 0 ? inside : [...inside.slice(wraps), ...inside.slice(0, wraps)];
}

/**
 * A part whose first member did not answer is passed on by another, which may not know all members after it: the
 * nearest known member before it knows more. Null when the part is one's own, or no nearer member is known.
 */
export function gapBehind(part: Part, members: readonly MemberPointer[], self: HostId): Handed | null {
  const { member, end } = part;
  const others = members.filter(({ id }) => id !== member);
  if (members.some(({ id, contact }) => id === member && contact.host === self)) return null;
  const before = others.findLast(({ id }) => id < member) ?? others.at(-1);
  if (before === undefined || before.contact.host === self) return null;
  return { host: before.contact, parts: [{ member, end: membersInside(part, members)[0]?.id ?? end }] };
}
