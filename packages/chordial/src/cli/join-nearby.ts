/** `chordial join --lan`: which networks are heard on the local network, and where the peers of an invite's network are. */
import type { HeardPeer } from '../lan/heard-peers.ts';
import { listenOnLan } from '../lan/listen.ts';
import { addressesOf, type NearbyNetwork, networksOf } from '../lan/networks.ts';
import { tagsOf } from '../lan/service.ts';
import { parseAddress } from '../network/addresses.ts';
import { hostAt } from '../network/dial.ts';
import { networkId } from '../network/genesis.ts';
import { createIdentity } from '../network/identity.ts';
import type { Invite } from '../network/invite.ts';
import { loadGenesis } from '../network/network-files.ts';
import type { PeerConfiguration } from '../peer/configuration.ts';
import { note } from './output.ts';

/** Each is dialled, all at once. */
const maxAsked = 16;
const maxAddressesTold = 3;

/** Tells what is nearby, on standard error as all that is no result; returns who was heard. */
export async function lookNearby({ data }: PeerConfiguration): Promise<readonly HeardPeer[]> {
  note('looking for networks on the local network');
  const { heard, links } = await listenOnLan();
  const own = await loadGenesis(data);
  const networks = networksOf(heard, own === null ? [] : tagsOf(networkId(own), Date.now()));
  const interfaces = links.map(({ name }) => name);
  for (const line of linesOf(networks, interfaces, data)) note(line);
  return heard;
}

function linesOf(networks: readonly NearbyNetwork[], interfaces: readonly string[], data: string): readonly string[] {
  if (networks.length === 0) {
    const where =
      interfaces.length === 0 ? 'this machine has no network' : `no peer is heard on ${interfaces.join(', ')}`;
    return [`${where}; "chordial doctor" says whether multicast is blocked`];
  }
  return networks.map(({ tag, isOwn, peers, addresses }) => {
    const more = addresses.length - maxAddressesTold;
    const places = addresses.slice(0, maxAddressesTold).join(', ') + (more > 0 ? ` and ${more} more` : '');
    const whose = isOwn ? ` (the one of ${data}, which "chordial start" returns to)` : '';
    return `network ${tag}${whose}: ${peers} ${peers === 1 ? 'peer' : 'peers'} at ${places}`;
  });
}

/**
 * Where to join with an invite: at an address heard where its sender shows its key, then at those of the invite, then at those of other peers
 * of its network.
 */
export async function placesFor(invite: Invite, heard: readonly HeardPeer[]): Promise<readonly string[]> {
  const tags = tagsOf(invite.network, Date.now());
  const found = addressesOf(heard.filter(({ tag }) => tag !== null && tags.includes(tag))).slice(0, maxAsked);
  if (found.length === 0) note('the network of the invite is not heard here; trying the addresses of the invite');
  const hosts = await Promise.all(
    found.map((address) => hostAt(parseAddress(address), createIdentity()).catch(() => null)),
  );
  const ofSender = found.filter((_, index) => hosts[index] === invite.host);
  const ofOthers = found.filter((address, index) => hosts[index] !== null && !ofSender.includes(address));
  return [...new Set([...ofSender, ...invite.addresses, ...ofOthers])];
}
