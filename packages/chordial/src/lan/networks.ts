/** What was heard on the LAN, by network, for people. */
import { formatAddress } from '../network/addresses.ts';
import type { HeardPeer } from './heard-peers.ts';

export interface NearbyNetwork {
  /** What its peers say today, which tells it from others. */
  readonly tag: string;
  readonly isOwn: boolean;
  readonly peers: number;
  /** HOST:PORT; some of them. */
  readonly addresses: readonly string[];
  readonly interfaces: readonly string[];
}

const maxNetworks = 32;
const maxAddressesShown = 16;

/** `ownTags`: of one network, today and the days around, which is one here. Own first, then those with most peers. */
export function networksOf(heard: readonly HeardPeer[], ownTags: readonly string[]): readonly NearbyNetwork[] {
  const tagged = heard.flatMap((peer) => {
    if (peer.tag === null) return [];
    const isOwn = ownTags.includes(peer.tag);
    return [{ ...peer, isOwn, tag: isOwn ? ownTags[0]! : peer.tag }];
  });
  const networks = [...Map.groupBy(tagged, ({ tag }) => tag)].map(([tag, peers]): NearbyNetwork => {
    return {
      tag,
      isOwn: peers[0]!.isOwn,
      peers: new Set(peers.map(({ label }) => label)).size,
      addresses: addressesOf(peers).slice(0, maxAddressesShown),
      interfaces: [...new Set(peers.map(({ link }) => link))],
    };
  });
  return networks.sort((a, b) => Number(b.isOwn) - Number(a.isOwn) || b.peers - a.peers).slice(0, maxNetworks);
}

/** HOST:PORT of each, once. */
export function addressesOf(peers: readonly HeardPeer[]): readonly string[] {
  return [...new Set(peers.flatMap(({ addresses, port }) => addresses.map((host) => formatAddress({ host, port }))))];
}
