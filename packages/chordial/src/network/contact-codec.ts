/**
 * Contacts on the wire: `[public key (32 bytes), [address, …]]`. A host's id is computed from the key, so it cannot be
 * malformed. What one process decodes about one host is one shared object as long as its addresses stay the same.
 */
import { type Contact, type HostId, sameAddresses } from '@chordial/ring';
import { named, readBytes, readList, type Schema } from '../wire/schema.ts';
import { Malformed, type Wire } from '../wire/transport-error.ts';
import { isDialable, maxAddresses, withoutLoopback } from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';
import { hostIdOfPublicKey, publicKeyBytes, publicKeyOfHostId } from './host-id.ts';

const maxSharedContacts = 16_384;
const shared = new BoundedCache<HostId, Contact>(maxSharedContacts);

/** The same object for the same host and addresses. */
export function sharedContact(contact: Contact): Contact {
  const known = shared.get(contact.host);
  if (known !== undefined && sameAddresses(known, contact)) return known;
  shared.set(contact.host, contact);
  return contact;
}

/** With `elsewhere` the reader is on another machine, where a loopback address would lead it to itself. */
export function encodeContact(contact: Contact, elsewhere: boolean): readonly [Uint8Array, readonly string[]] {
  const addresses = elsewhere ? withoutLoopback(contact.addresses) : contact.addresses;
  return [publicKeyOfHostId(contact.host), addresses.slice(0, maxAddresses)];
}

/** A contact may have no address when no one there can be dialled from here. */
export function decodeContact(wire: Wire): Contact {
  const [key, addresses] = readList(wire, 2, 2);
  return readContact(key, addresses);
}

/** The contact of two values, of which the second is the list of addresses. */
export function readContact(key: Wire, list: Wire): Contact {
  const host = hostIdOfPublicKey(readBytes(key, publicKeyBytes));
  const addresses = readList(list, 0, maxAddresses);
  const known = shared.get(host);
  if (known !== undefined && sameTexts(known.addresses, addresses)) return known;
  if (!addresses.every(isDialable)) throw new Malformed('has an address that is not HOST:PORT');
  const contact: Contact = { host, addresses: [...(addresses as readonly string[])] };
  shared.set(host, contact);
  return contact;
}

function sameTexts(a: readonly string[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((text, position) => text === b[position]);
}

/** With all its addresses. */
export const contact: Schema<Contact> = named('contact', {
  encode: (value) => encodeContact(value, false),
  decode: decodeContact,
});
