/** Addresses: `HOST:PORT`, IPv6 in brackets. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ChordialError } from '../errors.ts';

export interface Address {
  /** A name, IPv4, or IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

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

/** Whether the text is a dialable address. */
export function isDialable(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  const address = readAddress(text);
  return address !== null && address.port !== 0;
}

/** `127.0.0.0/8`, `::1`, `localhost`, and the first two inside IPv6. */
export function isLoopback(host: string): boolean {
  const plain = withoutMapping(host).toLowerCase();
  if (plain === 'localhost' || plain.endsWith('.localhost') || plain === '::1') return true;
  return isIPv4(plain) && plain.startsWith('127.');
}

/** IPv4 in its own form when it comes as `::ffff:a.b.c.d`, as a dual-stack socket reports it. */
export function withoutMapping(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  return mapped !== undefined && isIPv4(mapped) ? mapped : host;
}

export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** Querying the system takes 0.1 ms, too long for every message; addresses change rarely. */
const interfacesKeptMilliseconds = 5000;
let interfaces: { readonly asked: number; readonly addresses: readonly string[] } | null = null;

/** This machine's addresses without loopback and without IPv6 link-local ones, which are meaningless elsewhere. */
export function interfaceAddresses(): readonly string[] {
  const now = performance.now();
  if (interfaces === null || now - interfaces.asked > interfacesKeptMilliseconds) {
    interfaces = { asked: now, addresses: askForInterfaces() };
  }
  return interfaces.addresses;
}

function askForInterfaces(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
    .map(({ address }) => address);
}

export interface Listening {
  /** Where the socket is bound, with the real port. */
  readonly bound: Address;
  readonly advertise?: string;
  /** Hosts (without port) at which other machines see this one. */
  readonly observed?: readonly string[];
  readonly interfaces?: readonly string[];
}

/**
 * Addresses at which others should dial this peer, at most 8, best first. Bound to one address: that one, after
 * `advertise`; bound to all: `advertise`, else the interface addresses and those that others see. Loopback comes last
 * and is only for peers on this machine (see `withoutLoopback`). A peer bound to loopback that advertises another
 * address is behind a forwarder on this machine, which all others are to use.
 */
export function advertisedAddresses(listening: Listening): readonly string[] {
  const { bound, advertise, observed = [], interfaces = interfaceAddresses() } = listening;
  const here = (host: string) => formatAddress({ host, port: bound.port });
  if (advertise !== undefined && isLoopback(bound.host)) return [advertise];
  if (!isUnspecified(bound.host)) {
    return [...new Set([...(advertise === undefined ? [] : [advertise]), here(bound.host)])];
  }
  const reachable = bound.host === '0.0.0.0' ? interfaces.filter(isIPv4) : interfaces;
  const elsewhere = advertise === undefined ? [...reachable, ...observed].map(here) : [advertise];
  return [...new Set([...elsewhere.slice(0, maxAddresses - 1), here('127.0.0.1')])];
}

/** What a peer on another machine is told: a loopback address would lead it to itself. */
export function withoutLoopback(addresses: readonly string[]): readonly string[] {
  if (!addresses.some(isLoopbackAddress)) return addresses;
  return addresses.filter((address) => !isLoopbackAddress(address));
}

export function isLoopbackAddress(text: string): boolean {
  return isLoopback(readAddress(text)?.host ?? '');
}

/** Whether the text is an address of this machine. */
export function isOnThisMachine(text: string, interfaces: readonly string[] = interfaceAddresses()): boolean {
  const host = readAddress(text)?.host ?? '';
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
