/** A home behind a router with miniupnpd, and two public machines. */
import type { NodeStatus } from '../../src/client/answers.ts';
import type { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { type Namespace, type Namespaces, peerPort, type Switch } from './namespaces.ts';

/** miniupnpd forwards nothing to an outside of private or documentation addresses; these are seen in these namespaces only. */
export const outsideOfRouter = '20.0.0.9';
const home = '192.168.1.2';
export const rule = new RegExp(`dport ${peerPort}.* dnat ip to ${home.replaceAll('.', '\\.')}:${peerPort}`);

interface Home {
  readonly shops: readonly Namespace[];
  readonly router: Namespace;
  readonly lan: Switch;
  readonly hidden: Namespace;
}

/** Two public machines, and one behind a router with this address outside. */
export async function homeBehind(net: Namespaces, outside = outsideOfRouter): Promise<Home> {
  const internet = await net.switch('internet');
  const shops = [await net.host('shop-1'), await net.host('shop-2')];
  const base = outside.replace(/\.\d+$/, '');
  for (const [index, shop] of shops.entries()) await internet.plug(shop, { address: `${base}.${index + 1}/24` });
  const lan = await net.switch('home');
  const router = await net.router('home-router', {
    inside: { network: lan, place: { address: '192.168.1.1/24' } },
    outside: { network: internet, place: { address: `${outside}/24` } },
  });
  const hidden = await net.host('hidden');
  await lan.plug(hidden, { address: `${home}/24`, gateway: '192.168.1.1' });
  return { shops, router, lan, hidden };
}

export async function startShops(
  network: NetworkFixture,
  shops: readonly Namespace[],
): Promise<readonly PeerProcess[]> {
  const [first, second] = shops;
  const one = await first!.startPeer(network);
  const invite = (await network.command(['invite'], one)).text.trim();
  return [one, await second!.startPeer(network, { invite })];
}

export function nodeOf(peer: PeerProcess): Promise<NodeStatus> {
  return peer.json<NodeStatus>('/api/v1/node?fingers=none');
}
