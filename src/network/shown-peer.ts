import type { Contact } from '../ring/pointer.ts';

/** How a peer is called in lines for people. Peer ids all begin alike: their end tells them apart. */
export function shownPeer({ host, addresses }: Contact): string {
  const [address] = addresses;
  return `Peer …${host.slice(-8)}${address === undefined ? '' : ` (${address})`}`;
}
