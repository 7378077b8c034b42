/** What a peer says of itself on the LAN: names, tag of its network, records. */
import { hash } from 'node:crypto';
import type { Milliseconds, Random } from '@chordial/ring';
import type { LanRecord } from './dns-message.ts';

export const serviceType = '_chordial._tcp.local';
const enumerationName = '_services._dns-sd._udp.local';
const version = '1';
/** RFC 6762, 10: what has a host's name or address in it, and the rest. */
const hostTtlSeconds = 120;
const otherTtlSeconds = 4500;
const labelDigits = 16;
const tagDigits = 16;
const maxLabelCharacters = 63;
export const dayMilliseconds: Milliseconds = 86_400_000;

/** What is announced, new at each start and each day: one who listens in two places cannot tell that it is the same peer. */
export interface Service {
  readonly label: string;
  readonly port: number;
  readonly tag: string;
  /** Of a peer with a door that the LAN reaches. */
  readonly door?: LanDoor | null;
}

/** Where people who are no members come in, at the addresses of the peer. */
export interface LanDoor {
  readonly scheme: 'http' | 'https';
  readonly port: number;
}

export function randomLabel(random: Random): string {
  let label = '';
  while (label.length < labelDigits) label += Math.floor(random.next() * 16).toString(16);
  return label;
}

/** Of a network on the UTC day of that moment: those who know the network's id recognise it, others cannot follow it from day to day. */
export function networkTag(networkId: string, wallTime: Milliseconds): string {
  const day = new Date(wallTime).toISOString().slice(0, 'YYYY-MM-DD'.length);
  return hash('sha256', `chordial-lan${networkId}${day}`, 'hex').slice(0, tagDigits);
}

/** With those of the day before and after, for clocks that differ. */
export function tagsOf(networkId: string, wallTime: Milliseconds): readonly string[] {
  return [0, -1, 1].map((days) => networkTag(networkId, wallTime + days * dayMilliseconds));
}

export function instanceName(label: string): string {
  return `${label}.${serviceType}`;
}

export function hostName(label: string): string {
  return `chordial-${label}.local`;
}

/** The label of an instance's name; null for any other name. */
export function labelOf(name: string): string | null {
  if (!name.endsWith(`.${serviceType}`)) return null;
  const label = name.slice(0, -serviceType.length - 1);
  return label.length <= maxLabelCharacters && /^[a-z0-9-]+$/.test(label) ? label : null;
}

export function recordsOf(
  { label, port, tag, door = null }: Service,
  addresses: readonly string[],
): readonly LanRecord[] {
  const instance = instanceName(label);
  const host = hostName(label);
  const shared = { ttl: otherTtlSeconds, isUnique: false, type: 'PTR' } as const;
  const ofDoor = door === null ? [] : [`door=${door.scheme}:${door.port}`];
  const ofHost = { ttl: hostTtlSeconds, isUnique: true } as const;
  return [
    { ...shared, name: serviceType, data: instance },
    { ...shared, name: enumerationName, data: serviceType },
    { ...ofHost, name: instance, type: 'SRV', data: { port, target: host } },
    {
      name: instance,
      ttl: otherTtlSeconds,
      isUnique: true,
      type: 'TXT',
      data: [`v=${version}`, `net=${tag}`, ...ofDoor],
    },
    ...addresses.map((address): LanRecord => {
      return { ...ofHost, name: host, type: address.includes(':') ? 'AAAA' : 'A', data: address };
    }),
  ];
}

/** The tag in a TXT record; null without one, and for versions that may mean something else by it. */
export function tagIn(texts: readonly string[]): string | null {
  if (!texts.includes(`v=${version}`)) return null;
  const tag = texts.find((one) => one.startsWith('net='))?.slice('net='.length) ?? '';
  return /^[0-9a-f]{16}$/.test(tag) ? tag : null;
}

/** The door in a TXT record; null without one. */
export function doorIn(texts: readonly string[]): LanDoor | null {
  const given = texts.find((one) => one.startsWith('door=')) ?? '';
  const [, scheme, digits] = /^door=(https?):([1-9]\d{0,4})$/.exec(given) ?? [];
  const port = Number(digits);
  if (scheme === undefined || port > 65_535) return null;
  return { scheme: scheme === 'https' ? 'https' : 'http', port };
}

/** Whether a packet can be for us, before it is decoded: other services of a LAN say much. */
export function mentionsService(bytes: Buffer): boolean {
  return bytes.includes('chordial') || bytes.includes('_dns-sd');
}
