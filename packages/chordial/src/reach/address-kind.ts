/** What the external address of a router tells about what is beyond it. */
import { BlockList, isIPv4 } from 'node:net';

export type Nat =
  /** Nothing else, as far as the address tells. */
  | 'public'
  /** A second router. */
  | 'private'
  /** The NAT of a provider (RFC 6598). */
  | 'carrier'
  | 'unknown';

const ranges = {
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'],
  carrier: ['100.64.0.0/10'],
  unusable: ['0.0.0.0/8', '127.0.0.0/8', '192.0.0.0/24', '224.0.0.0/3'],
} as const;

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), 'ipv4');
  }
  return list;
}

const lists = { private: listOf(ranges.private), carrier: listOf(ranges.carrier), unusable: listOf(ranges.unusable) };

export function natOf(address: string | null): Nat {
  if (address === null || !isIPv4(address) || lists.unusable.check(address)) return 'unknown';
  if (lists.carrier.check(address)) return 'carrier';
  return lists.private.check(address) ? 'private' : 'public';
}
