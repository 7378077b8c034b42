/** Finds peers on the local network. Loaded only where `isOnLan`. */
import { isIPv4 } from 'node:net';
import { Lan, type LanPorts } from '../lan/lan.ts';
import { openMulticast } from '../lan/multicast-socket.ts';
import { NearbyHosts } from '../lan/nearby-hosts.ts';
import type { LanDoor } from '../lan/service.ts';
import { type Address, isUnspecified, parseAddress } from '../network/addresses.ts';
import { hostAt } from '../network/dial.ts';
import { createIdentity } from '../network/identity.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { TransportError } from '../network/transport.ts';
import type { Network } from './build-network.ts';
import type { Closing } from './closing.ts';
import type { OwnDoor } from './doors.ts';
import type { OpenFolder } from './open-folder.ts';

export interface LocalNetwork {
  readonly lan: Lan;
  readonly nearby: NearbyHosts;
}

export function buildLan(
  { configuration, membership, identity }: OpenFolder,
  network: Network,
  opened: Closing,
): LocalNetwork {
  const { transport, interfaces } = network;
  const bound = parseAddress(transport.listening);
  const ports: LanPorts = { clock: systemClock, random: systemRandom, interfaces, open: openMulticast };
  const { network: networkId } = membership;
  const door = doorOnLan(configuration.ownDoor?.() ?? null);
  const isReached = (address: string): boolean => isReachedAt(bound, address);
  const lan = new Lan(ports, { networkId, port: bound.port, door, isReached });
  opened.defer(() => lan.close());
  const nearby = new NearbyHosts({
    clock: systemClock,
    networkId,
    lan,
    hostAt: async (address) => {
      const host = await hostAt(parseAddress(address), createIdentity());
      if (host !== null) return host;
      throw new TransportError('refused', `${address} shows no key of a peer.`);
    },
    isMember: (host) => host !== identity.host && membership.isMember(host),
  });
  opened.defer(() => nearby.close());
  network.dialNearby((host) => nearby.addressesOf(host));
  return { lan, nearby };
}

/** One that listens on some address only may not be at those that the peer announces. */
function doorOnLan(door: OwnDoor | null): LanDoor | null {
  const at = door === null ? null : parseAddress(door.address);
  if (door === null || at === null || !isUnspecified(at.host)) return null;
  return { scheme: door.tls === null ? 'http' : 'https', port: at.port };
}

function isReachedAt({ host }: Address, address: string): boolean {
  if (!isUnspecified(host)) return host === address;
  return host !== '0.0.0.0' || isIPv4(address);
}
