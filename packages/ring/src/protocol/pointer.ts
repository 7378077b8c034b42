import { nextId, type RingId } from './identifier.ts';

/** Who a host is: any text that the transport authenticates, such as a hash of its key (`text as HostId`). Of two that watch each other the smaller one pings. */
export type HostId = string & { readonly __hostId: unique symbol };

/** How a host can be reached. One object per host is shared by all pointers to its members. */
export interface Contact {
  readonly host: HostId;
  /** `address:port`, IPv6 in brackets; the best known first; at most 8. */
  readonly addresses: readonly string[];
  /** What fails together with it (a rack, a building), by its own word; passed on with it, and nothing here depends on it. */
  readonly zone?: string;
}

/** One member of the ring (a virtual node of a host), or padding at the tail of a successor list. */
export interface Pointer {
  readonly id: RingId;
  /** null marks padding: never dialled, never shown above the ring. */
  readonly contact: Contact | null;
  /** Which virtual node of its host, 0 … 63. */
  readonly index: number;
}

/** A pointer that is not padding. */
export interface MemberPointer extends Pointer {
  readonly contact: Contact;
}

export function isMember(pointer: Pointer | undefined): pointer is MemberPointer {
  return pointer !== undefined && pointer.contact !== null;
}

/** Whether both lead to the host at one address at least; each way to it has a list of its own, so they may differ else. */
export function shareAddress(a: Contact, b: Contact): boolean {
  return a === b || a.addresses.some((address) => b.addresses.includes(address));
}

export function sameAddresses(a: Contact, b: Contact): boolean {
  if (a === b) return true;
  return a.addresses.length === b.addresses.length && a.addresses.every((one, place) => one === b.addresses[place]);
}

/** The same host, reached alike and in the same zone. */
export function sameContact(a: Contact, b: Contact): boolean {
  return a === b || (a.host === b.host && a.zone === b.zone && sameAddresses(a, b));
}

export function sameMember(a: Pointer, b: Pointer): boolean {
  return a.id === b.id && (a.contact === null) === (b.contact === null);
}

/** The only padding that cannot skip a principal is the last entry plus one (Zave 2017). */
export function paddingAfter(last: RingId, bits: number): Pointer {
  return { id: nextId(last, bits), contact: null, index: 0 };
}
