/** Addresses: `HOST:PORT`, IPv6 in brackets; and `relay:PEERID@HOST:PORT`, at a member that asks for the one meant. */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { isHostId } from './host-id.ts';
import { type LocalAddress, localInterfaces } from './interface-watch.ts';

export interface Address {
  /** A name, IPv4, or IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Dial this member there, and ask it for the host meant. */
export interface RelayAddress {
  readonly relay: HostId;
  /** `HOST:PORT` */
  readonly at: string;
}

/** Of one host; they come last in its list. */
export const maxRelays = 3;
/** 253 for the longest DNS name, 1 colon, 5 digits, 2 brackets. */
export const maxAddressCharacters = 261;
export const maxAddresses = 8;

const namePattern =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*\.?$/;

/** Throws `bad-address` with the expected form. Port 0 (any free one) only with `anyPort`. */
export function parseAddress(text: string, anyPort = false): Address {
  const address = readAddress(text);
  if (address === null || (address.port === 0 && !anyPort)) {
    const shown = JSON.stringify(text.slice(0, maxAddressCharacters));
    throw new ChordialError(
      'bad-address',
      `${shown} is not an address. Write HOST:PORT with a port from ${anyPort ? 0 : 1} to 65535, for example 192.0.2.7:4848, [2001:db8::7]:4848 or peer.example.org:4848.`,
    );
  }
  return address;
}

export function formatAddress(address: Address): string {
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether the text is a dialable address, directly or through a relay. */
export function isDialable(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  const address = readAddress(relayAddress(text)?.at ?? text);
  return address !== null && address.port !== 0;
}

const relayPrefix = 'relay:';

export function formatRelay({ relay, at }: RelayAddress): string {
  return `${relayPrefix}${relay}@${at}`;
}

/** Null for one that is dialled directly, and for what is none. */
export function relayAddress(text: string): RelayAddress | null {
  if (!text.startsWith(relayPrefix)) return null;
  const end = text.indexOf('@');
  const relay = text.slice(relayPrefix.length, Math.max(0, end));
  return isHostId(relay) ? { relay, at: text.slice(end + 1) } : null;
}

/** Those that are dialled without a relay. */
export function directAddresses(addresses: readonly string[]): readonly string[] {
  return addresses.some(isRelay) ? addresses.filter((address) => !isRelay(address)) : addresses;
}

export function isRelay(address: string): boolean {
  return address.startsWith(relayPrefix);
}

/** Whether others reach the host through relays only, as far as its addresses say. */
export function isHidden({ addresses }: { readonly addresses: readonly string[] }): boolean {
  return addresses.some(isRelay);
}

/** An IPv6 address can be written in many ways, and an IPv4 address inside it. */
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** `127.0.0.0/8`, `::1`, `localhost`, and the first two inside IPv6. */
export function isLoopback(host: string): boolean {
  const plain = withoutMapping(host).toLowerCase();
  if (plain === 'localhost' || plain.endsWith('.localhost') || plain === '::1') return true;
  return isIPv4(plain) ? plain.startsWith('127.') : isIPv6(plain) && loopback.check(plain, 'ipv6');
}

const lan = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const)
  lan.addSubnet(network, prefix, 'ipv4');
lan.addSubnet('fc00::', 7, 'ipv6');
lan.addSubnet('fe80::', 10, 'ipv6');

/** This machine, private and link-local addresses, and those of the subnets of this machine. */
export function isLanAddress(host: string, networks: readonly LocalAddress[] = localAddresses()): boolean {
  const [plain = ''] = withoutMapping(host).split('%');
  if (isLoopback(plain)) return true;
  return isIP(plain) !== 0 && (lan.check(plain, familyOf(plain)) || isInSubnetOf(plain, networks));
}

/** Neither private nor to be reached from everywhere: of this machine, shared by customers of a carrier, for documents, reserved. */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4');
notPublic.addSubnet('2001:db8::', 32, 'ipv6');
const givenOut = new BlockList();
givenOut.addSubnet('2000::', 3, 'ipv6');

/** Whether it is an IP address that can be reached from everywhere. */
export function isPublic(host: string): boolean {
  if (isIPv4(host)) return !lan.check(host, 'ipv4') && !notPublic.check(host, 'ipv4');
  return isIPv6(host) && givenOut.check(host, 'ipv6') && !notPublic.check(host, 'ipv6');
}

/** IPv4 in its own form when it comes as `::ffff:a.b.c.d`, as a dual-stack socket reports it. */
export function withoutMapping(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  return mapped !== undefined && isIPv4(mapped) ? mapped : host;
}

export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** Asking the system takes 0.1 ms, too long for every message. */
const interfacesKeptMilliseconds = 1000;
let interfaces: { readonly asked: number; readonly addresses: readonly LocalAddress[] } | null = null;

/**
 * This machine's addresses without loopback and without IPv6 link-local ones, which are meaningless elsewhere; as they
 * were at most so long ago.
 */
export function interfaceAddresses(maxAge = interfacesKeptMilliseconds): readonly string[] {
  return localAddresses(maxAge).map(({ address }) => address);
}

function localAddresses(maxAge = interfacesKeptMilliseconds): readonly LocalAddress[] {
  const now = performance.now();
  if (interfaces === null || now - interfaces.asked >= maxAge) {
    const addresses = localInterfaces().flatMap((one) => one.addresses);
    interfaces = { asked: now, addresses: addresses.filter(({ address }) => !/^fe80:/i.test(address)) };
  }
  return interfaces.addresses;
}

/** Whether an address lies in a subnet of this machine: no router in between. A name lies in none. */
export function isInOwnSubnet(text: string, networks: readonly LocalAddress[] = localAddresses()): boolean {
  const host = withoutMapping(readAddress(text)?.host ?? '');
  return isIP(host) !== 0 && isInSubnetOf(host, networks);
}

function isInSubnetOf(host: string, networks: readonly LocalAddress[]): boolean {
  const own = new BlockList();
  for (const { address, prefix } of networks) own.addSubnet(address, prefix, familyOf(address));
  return own.check(host, familyOf(host));
}

function familyOf(host: string): 'ipv4' | 'ipv6' {
  return isIPv4(host) ? 'ipv4' : 'ipv6';
}

export interface Listening {
  /** Where the socket is bound, with the real port. */
  readonly bound: Address;
  readonly advertise?: string;
  /** Hosts (without port) at which other machines see this one. */
  readonly observed?: readonly string[];
  readonly interfaces?: readonly string[];
  /** Where members reached it through a router, HOST:PORT. */
  readonly proved?: string | null;
}

/**
 * Addresses at which others should dial this peer, at most 8, best first. Bound to one address: that one, after
 * `advertise`; bound to all: `advertise`, else the interface addresses and those that others see. Loopback comes last
 * and is only for peers on this machine (see `withoutLoopback`). A peer bound to loopback that advertises another
 * address is behind a forwarder on this machine, which all others are to use.
 */
export function advertisedAddresses(listening: Listening): readonly string[] {
  const { bound, advertise, observed = [], interfaces = interfaceAddresses(), proved = null } = listening;
  const outside = proved === null ? [] : [proved];
  const here = (host: string) => formatAddress({ host, port: bound.port });
  if (advertise !== undefined && isLoopback(bound.host)) return [advertise];
  if (!isUnspecified(bound.host)) {
    return [...new Set([...(advertise === undefined ? [] : [advertise]), here(bound.host), ...outside])];
  }
  const reachable = bound.host === '0.0.0.0' ? interfaces.filter(isIPv4) : interfaces;
  const elsewhere =
    advertise === undefined ? [...reachable.map(here), ...outside, ...observed.map(here)] : [advertise, ...outside];
  return [...new Set([...elsewhere.slice(0, maxAddresses - 1), here('127.0.0.1')])];
}

/** What a peer on another machine is told: a loopback address would lead it to itself. */
export function withoutLoopback(addresses: readonly string[]): readonly string[] {
  if (!addresses.some(isLoopbackAddress)) return addresses;
  return addresses.filter((address) => !isLoopbackAddress(address));
}

export function isLoopbackAddress(text: string): boolean {
  return isLoopback(readAddress(relayAddress(text)?.at ?? text)?.host ?? '');
}

/** Whether the text is an address of this machine. */
export function isOnThisMachine(text: string, interfaces: readonly string[] = interfaceAddresses()): boolean {
  return isOwnAddress(readAddress(text)?.host ?? '', interfaces);
}

/** The same of an address without a port. */
export function isOwnAddress(host: string, interfaces: readonly string[] = interfaceAddresses()): boolean {
  return isLoopback(host) || interfaces.includes(withoutMapping(host));
}

function readAddress(text: string): Address | null {
  if (text.length > maxAddressCharacters) return null;
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (parts === null) return null;
  const [, inBrackets, plain, digits] = parts;
  const port = Number(digits);
  const host = inBrackets ?? plain ?? '';
  if (port > 65_535) return null;
  if (inBrackets !== undefined) return isIPv6(inBrackets) && !inBrackets.includes('%') ? { host, port } : null;
  // 1.2.3.400 is a mistyped number, not a name.
  if (isIP(host) === 0 && (!namePattern.test(host) || /^[\d.]+$/.test(host))) return null;
  return { host, port };
}
