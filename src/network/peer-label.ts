import type { Contact, HostId } from '@chordial/ring';

/** How a peer is called in lines for people, by its name where it has one. Peer ids all begin alike: their end tells them apart. */
export function shownPeer({ host, addresses }: Contact, called: (host: HostId) => string): string {
  const [address] = addresses;
  const name = called(host);
  return `${name.startsWith('…') ? 'Peer ' : ''}${name}${address === undefined ? '' : ` (${address})`}`;
}
