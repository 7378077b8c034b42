/** `chordial join ADDRESS`: the running peer enters the ring of the peer at this address. */
import type { Command } from 'commander';
import { parseAddress } from '../network/addresses.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';

export function joinCommand(): Command {
  return peerCommand('join', 'lets the running peer join a ring', 'chordial join 192.0.2.7:4848')
    .argument('<address>', 'HOST:PORT of any peer of the ring')
    .action(async (address: string, options: CommonOptions & PeerOptions) => {
      parseAddress(address);
      const { client } = await findPeer(options);
      const node = await client.call('POST /api/v1/node/join', { body: { address } });
      if (options.json) sayJson(node);
      else say(`joined the network ${node.network} with ${node.hosts} hosts`);
    });
}
