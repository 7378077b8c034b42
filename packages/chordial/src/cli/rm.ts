/** `chordial rm NAME` and `chordial rm FOLDER/PATH`: removes this peer's own entry of a name, or what is in an own folder. */
import type { Command } from 'commander';
import { checkName } from '../content/name.ts';
import { treePath } from '../folders/tree-path.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';

export function rmCommand(): Command {
  return peerCommand('rm', 'removes a file that this peer has put', 'chordial rm photo.jpg')
    .argument('<name>', 'the name it was put under; FOLDER/PATH for what is in a folder')
    .action(async (argument: string, options: CommonOptions & PeerOptions) => {
      const { client } = await findPeer(options);
      if (argument.replace(/\/+$/, '').includes('/')) {
        const { folder, path } = treePath(argument);
        await client.call('DELETE /api/v1/trees/{name}', { path: { name: folder }, query: { path: path.join('/') } });
        if (options.json) sayJson({ name: argument, removed: true });
        else say(`${plain(argument)} is removed`);
        return;
      }
      const name = checkName(argument.startsWith('name:') ? argument.slice('name:'.length) : argument);
      await client.call('DELETE /api/v1/files/{name}', { path: { name } });
      if (options.json) sayJson({ name, removed: true });
      else say(`${plain(name)} is removed`);
    });
}
