/** `chordial peers`: the other peers, whether they live, and when they were last heard. */
import type { Command } from 'commander';
import type { PeerStatus } from '../node/peer.ts';
import { formatDuration } from '../node/quantities.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { table } from './table.ts';

export function peersCommand(): Command {
  return peerCommand('peers', 'lists the peers that this one knows', 'chordial peers').action(
    async (options: CommonOptions & PeerOptions) => {
      const { client } = await findPeer(options);
      const { peers } = await client.call('GET /api/v1/peers');
      if (options.json) sayJson({ peers });
      else if (peers.length === 0) say('no other peers: this one is alone');
      else say(listing(peers));
    },
  );
}

function listing(peers: readonly PeerStatus[]): string {
  const columns = [
    { title: 'STATE' },
    { title: 'HEARD', align: 'right' },
    { title: 'ROUND TRIP', align: 'right' },
    { title: 'ADDRESS' },
    { title: 'ID' },
  ] as const;
  return table(
    columns,
    peers.map(({ state, heartbeatAge, roundTripMilliseconds, address, id }) => [
      state,
      heartbeatAge === null ? 'never' : `${formatDuration(heartbeatAge * 1_000)} ago`,
      roundTripMilliseconds === null ? '' : `${roundTripMilliseconds.toFixed(1)} ms`,
      address,
      id,
    ]),
  );
}
