/** `chordial leave`: leaves the network and waits until all data is handed over. */
import type { Command } from 'commander';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';

interface LeaveOptions extends CommonOptions, PeerOptions {
  readonly force?: boolean;
}

export function leaveCommand(): Command {
  return peerCommand('leave', 'leaves the network for good (Ctrl-C only stops the peer)', 'chordial leave')
    .option('--force', 'even as the last peer, which loses every file')
    .action(async (options: LeaveOptions) => {
      const { client } = await findPeer(options);
      await client.call('POST /api/v1/node/leave', { body: { force: options.force === true } });
      if (options.json) sayJson({ left: true });
      else say('left the network');
    });
}
