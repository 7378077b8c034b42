/**
 * Contacts on the wire: `[public key (32 bytes), [address, …]]`, and third the zone of a host that has one. A host's id is
 * computed from the key, so it cannot be malformed. What one process decodes about one host is one shared object as long as
 * its addresses and its zone stay the same.
 */
import { type Contact, type HostId, sameContact } from '@chordial/ring';
import { named, readBytes, readList, type Schema } from '../wire/schema.ts';
import { Malformed, type Wire } from '../wire/transport-error.ts';
import { isDialable, maxAddresses, withoutLoopback } from './addresses.ts';
import { BoundedCache } from './bounded-cache.ts';
import { hostIdOfPublicKey, publicKeyBytes, publicKeyOfHostId } from './host-id.ts';
import { isZone } from './zones.ts';

const maxSharedContacts = 16_384;
const shared = new BoundedCache<HostId, Contact>(maxSharedContacts);

/** The same object for the same host, addresses and zone. */
export function sharedContact(contact: Contact): Contact {
  const known = shared.get(contact.host);
  if (known !== undefined && sameContact(known, contact)) return known;
  shared.set(contact.host, contact);
  return contact;
}

type ContactOnWire = readonly [key: Uint8Array, addresses: readonly string[], ...zone: string[]];

/** With `elsewhere` the reader is on another machine, where a loopback address would lead it to itself. */
export function encodeContact(contact: Contact, elsewhere: boolean): ContactOnWire {
  const addresses = elsewhere ? withoutLoopback(contact.addresses) : contact.addresses;
  return [publicKeyOfHostId(contact.host), addresses.slice(0, maxAddresses), ...zoneOnWire(contact)];
}

/** At the end of a list: left out where there is none. */
export function zoneOnWire({ zone }: Contact): readonly string[] {
  return zone === undefined ? [] : [zone];
}

/** A contact may have no address when no one there can be dialled from here. */
export function decodeContact(wire: Wire): Contact {
  const [key, addresses, zone] = readList(wire, 2, 3);
  return readContact(key, addresses, zone);
}

/** The contact of three values: the list of addresses is the second, the zone may be undefined. */
export function readContact(key: Wire, list: Wire, zone: Wire | undefined): Contact {
  const host = hostIdOfPublicKey(readBytes(key, publicKeyBytes));
  const addresses = readList(list, 0, maxAddresses);
  const known = shared.get(host);
  if (known !== undefined && known.zone === zone && sameTexts(known.addresses, addresses)) return known;
  if (!addresses.every(isDialable)) throw new Malformed('has an address that is not HOST:PORT');
  if (zone !== undefined && !isZone(zone)) throw new Malformed('has a zone that is not written as zones are');
  const contact: Contact = {
    host,
    addresses: [...(addresses as readonly string[])],
    ...(zone !== undefined && { zone }),
  };
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
