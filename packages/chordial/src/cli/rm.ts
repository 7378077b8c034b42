/** `chordial rm NAME`: removes this peer's own entry of the name. */
import type { Command } from 'commander';
import { checkName } from '../content/name.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';

export function rmCommand(): Command {
  return peerCommand('rm', 'removes a file that this peer has put', 'chordial rm photo.jpg')
    .argument('<name>', 'the name it was put under')
    .action(async (argument: string, options: CommonOptions & PeerOptions) => {
      const { client } = await findPeer(options);
      const name = checkName(argument.startsWith('name:') ? argument.slice('name:'.length) : argument);
      await client.call('DELETE /api/v1/files/{name}', { path: { name } });
      if (options.json) sayJson({ name, removed: true });
      else say(`${plain(name)} is removed`);
    });
}
