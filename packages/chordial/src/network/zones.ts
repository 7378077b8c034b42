/**
 * Zones: what fails together, such as a rack, a building or a line. A host says its own, its contact carries it, and copies
 * go to distinct zones first (replication/placement.ts).
 */
import { isIP, isIPv4 } from 'node:net';
import { directAddresses, isDialable, isPublic, parseAddress, withoutMapping } from './addresses.ts';

export const maxZoneCharacters = 64;

const zonePattern = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u;

/** The zone of that name as all hosts write it: without space around it, in one case. Null when it is no name of a zone. */
export function zoneOfName(text: string): string | null {
  const zone = folded(text.trim());
  return zone.length <= maxZoneCharacters && zonePattern.test(zone) ? zone : null;
}

/** Whether the text is a zone as all hosts write it. */
export function isZone(text: unknown): text is string {
  return typeof text === 'string' && text.length <= maxZoneCharacters && zoneOfName(text) === text;
}

/** Upper case first: some letters are alike in that alone. */
function folded(text: string): string {
  return text.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}

/**
 * The zone of a host that was given none: the network of its first public address, a /24 or, of IPv6, a /56, which is what
 * one line gets. Null without a public address: two houses may well have the same private one.
 */
export function zoneOfAddresses(addresses: readonly string[]): string | null {
  for (const address of directAddresses(addresses)) {
    const zone = zoneOfHost(address);
    if (zone !== null) return zone;
  }
  return null;
}

/** @param address `HOST:PORT`, or without port */
function zoneOfHost(address: string): string | null {
  const host = withoutMapping(hostOf(address));
  if (!isPublic(host)) return null;
  if (isIPv4(host)) return `${host.split('.').slice(0, 3).join('.')}.0-24`;
  const groups = firstGroups(host).map((group, place) => (place === 3 ? group & 0xff00 : group).toString(16));
  return `${groups.join('.')}-56`;
}

/** Empty for what is no address. */
function hostOf(address: string): string {
  if (isIP(address) !== 0) return address;
  return isDialable(address) ? parseAddress(address).host : '';
}

/** The first four of the eight groups of an IPv6 address. */
function firstGroups(host: string): readonly number[] {
  const [before = [], after = []] = host.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).map((group) => Number.parseInt(group, 16));
}
