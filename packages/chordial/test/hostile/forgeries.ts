/** Invalid records: forged, from the future, expired, too large, or about absent content. */
import { randomBytes } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import { encode } from '@ipld/dag-cbor';
import { createIdentity } from '../../src/network/identity.ts';
import { type BatchHeader, signHeader } from '../../src/records/batch-header.ts';
import { decodeEntry, type Entry, signEntry, type UnsignedEntry } from '../../src/records/entry.ts';
import type { HostileMember } from './hostile-member.ts';

const year = 365 * 24 * 3600 * 1000;

/** Variants of genuine records with another body, a newer sequence or a tombstone, under a wrong signature. */
export function forgedEntries(member: HostileMember, genuine: readonly Uint8Array[]): readonly Uint8Array[] {
  return genuine.slice(0, 8).flatMap((bytes) => {
    const { entry } = decodeEntry(bytes);
    const newer: Entry = { ...entry, sequence: Date.now() };
    const { kind, subject, publisher, sequence, expiry, signature } = newer;
    const ended: Entry = { kind, subject, publisher, sequence, expiry, body: null, signature };
    const stolen = signEntry({ ...newer, publisher: entry.publisher }, member.networkId, member.identity.sign);
    return [encode(newer), encode(ended), stolen.bytes];
  });
}

/** Its own, correctly signed: from the future, expired, without a body, with an invalid name. */
export function misdated(
  member: HostileMember,
  subject: Uint8Array,
  body: UnsignedEntry['body'],
): readonly Uint8Array[] {
  const now = Date.now();
  const publisher = member.identity.host;
  const entry: UnsignedEntry = { kind: 'name', subject, publisher, sequence: now, expiry: null, body };
  const signed = (one: UnsignedEntry) => signEntry(one, member.networkId, member.identity.sign).bytes;
  return [
    signed({ ...entry, sequence: now + year }),
    signed({ ...entry, sequence: Number.MAX_SAFE_INTEGER }),
    signed({ ...entry, body: body === null ? null : { ...body, time: now + year } }),
    signed({ ...entry, expiry: now - year }),
    signed({ ...entry, expiry: 0, sequence: 0 }),
    signed({ ...entry, body: { name: 'another' } }),
  ];
}

/** Oversized records. */
export function oversized(publisher: HostId): Uint8Array {
  const fields = { kind: 'name', subject: randomBytes(64), publisher, sequence: Date.now(), expiry: null };
  return encode({ ...fields, body: { junk: randomBytes(3900) }, signature: randomBytes(64) });
}

/** Headers of batches: forged, from the future, expired, with excessive sizes. */
export function badHeaders(member: HostileMember, victim: HostId): readonly Uint8Array[] {
  const now = Date.now();
  const stranger = createIdentity();
  const header = {
    publisher: member.identity.host,
    addresses: [member.transport.listening],
    number: now,
    root: randomBytes(32),
    leaves: 1000,
    entries: 60_000,
    version: now,
    expiry: now + 1_800_000,
    ended: false,
    withdrawn: new Uint8Array(),
  };
  const sign = (one: typeof header, by = member.identity): BatchHeader => signHeader(one, member.networkId, by.sign);
  return [
    sign({ ...header, publisher: victim }),
    sign({ ...header, publisher: victim, ended: true }, stranger),
    sign({ ...header, number: now + year, version: now + year, expiry: now + year + 1000 }),
    sign({ ...header, number: now - year, version: now - year, expiry: now - year + 1000 }),
    sign({ ...header, expiry: now + year }),
    sign({ ...header, entries: 10_000_000, leaves: 2 ** 20 }),
    sign({ ...header, addresses: Array.from({ length: 9 }, () => 'x') }),
  ].map(({ bytes }) => bytes);
}

/** Its own batch, correctly signed, without leaves. */
export function emptyBatch(member: HostileMember, number: number): Uint8Array {
  const { identity, networkId, transport } = member;
  const version = Date.now();
  const unsigned = { publisher: identity.host, addresses: [transport.listening], number, root: randomBytes(32) };
  const counts = { leaves: 2048, entries: 131_072, version, expiry: version + 3_000_000 };
  return signHeader({ ...unsigned, ...counts, ended: false, withdrawn: new Uint8Array() }, networkId, identity.sign)
    .bytes;
}
