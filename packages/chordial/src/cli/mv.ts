/** `chordial mv FROM TO`: moves or renames own folders, and what is in them. */
import type { Command } from 'commander';
import { treePath } from '../folders/tree-path.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { plain } from './table.ts';

interface MvOptions extends CommonOptions, PeerOptions {
  readonly force?: boolean;
  readonly copy?: boolean;
}

export function mvCommand(): Command {
  return peerCommand(
    'mv',
    'moves or renames own folders, and what is in them',
    'chordial mv notes/a.txt notes/old/a.txt',
  )
    .argument('<from>', 'FOLDER, or FOLDER/PATH')
    .argument('<to>', 'FOLDER/PATH in this or another own folder, or a name of its own for a folder')
    .option('--force', 'replace what is there')
    .option('--copy', 'keep it where it is too')
    .action(async (given: string, to: string, options: MvOptions) => {
      const { client } = await findPeer(options);
      const { folder: name, path } = treePath(given);
      treePath(to);
      const action = options.copy ? 'copy' : 'move';
      const body = { action, path: path.join('/'), to, replace: options.force === true } as const;
      await client.call('POST /api/v1/trees/{name}', { path: { name }, body });
      if (options.json) sayJson({ from: given, to });
      else say(`${plain(given)} is ${options.copy ? 'also' : 'now'} ${plain(to)}`);
    });
}
