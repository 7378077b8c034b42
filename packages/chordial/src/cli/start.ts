/** `chordial start`: runs a peer in the foreground until Ctrl-C. */
import type { Command } from 'commander';
import { startPeer } from '../peer/start-peer.ts';
import { type CommonOptions, command } from './command.ts';
import { runPeer } from './run-peer.ts';
import { addSettingOptions, type SettingOptions, settingsOf } from './setting-options.ts';

const example = 'chordial start --listen 0.0.0.0:4848 --join 192.0.2.7:4848 --quota 50G';

export function startCommand(): Command {
  const start = command('start', 'runs a peer in the foreground; Ctrl-C stops it, its data stays', example);
  return addSettingOptions(start).action(async (options: CommonOptions & SettingOptions) => {
    const { configuration, settings, file } = await settingsOf(options);
    const said = { settings, file };
    process.exitCode = await runPeer({ ...configuration, said }, startPeer, { json: options.json === true });
  });
}
