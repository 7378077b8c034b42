import type { Contact, HostId } from '@chordial/ring';

/** A peer's label for people, by name if it has one. Peer ids all begin alike: their end distinguishes them. */
export function peerLabel({ host, addresses }: Contact, called: (host: HostId) => string): string {
  const [address] = addresses;
  const name = called(host);
  return `${name.startsWith('…') ? 'Peer ' : ''}${name}${address === undefined ? '' : ` (${address})`}`;
}
