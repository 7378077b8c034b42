/** `chordial door`: the door of a peer, and its URL as a QR code. */
import type { Command } from 'commander';
import type { NodeStatus } from '../client/answers.ts';
import { ChordialError } from '../errors.ts';
import { isLoopback, parseAddress } from '../network/addresses.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { checkQrFile, type QrOptions, qrOptions, showQr } from './qr.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { fields } from './table.ts';

type Door = NonNullable<NodeStatus['door']>;

export function doorCommand(): Command {
  const made = peerCommand('door', 'shows the door of this peer, for people who are no members', 'chordial door --qr');
  return qrOptions(made).action(async (options: CommonOptions & PeerOptions & QrOptions) => {
    checkQrFile(options);
    const { client } = await findPeer(options);
    const { door } = await client.call('GET /api/v1/node', { query: { fingers: 'none' } });
    if (door === null)
      throw new ChordialError(
        'no-door',
        'This peer has no door. Open one: "chordial start --door 0.0.0.0:8443 --serve links", with --tls-cert and --tls-key where others can listen in.',
      );
    if (options.json) sayJson(door);
    else say(fields(lines(door)));
    await showQr(door.url, options);
  });
}

function lines(door: Door): readonly (readonly [string, string])[] {
  const { url, address, services, tls, requests, connections } = door;
  return [
    ['door', url],
    ['listening', address],
    ['serves', services.join(', ')],
    ['reached by', reach(door)],
    ...(services.includes('gateway')
      ? ([
          ['gateway for IPFS', `${url}/ipfs/CID?format=car`],
          ['router for IPFS', `${url}/routing/v1`],
        ] as const)
      : []),
    ...(tls === null ? [] : [['certificate', `until ${tls.expires}, SHA-256 ${tls.fingerprint}`] as const]),
    ...(tls?.fault == null ? [] : [['fault', tls.fault] as const]),
    ['now', `${requests} requests, ${connections} connections`],
  ];
}

/** Who reaches it, and who can listen in. */
function reach({ url, address, tls }: Pick<Door, 'url' | 'address' | 'tls'>): string {
  if (tls !== null || url.startsWith('https:')) return 'TLS';
  if (isLoopback(parseAddress(address).host)) return 'programs of this machine only';
  return 'plain HTTP: anybody between it and a visitor can listen in. Give --tls-cert and --tls-key';
}
