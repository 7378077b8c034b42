/** `chordial demo`: a network of real processes, shown step by step. */
import { type Command, Option } from 'commander';
import { parseWhole } from '../peer/quantities.ts';
import { type CommonOptions, command } from './command.ts';
import type { RunCommand } from './shell-session.ts';

interface DemoOptions extends CommonOptions {
  readonly peers: string;
  readonly once?: boolean;
  readonly classroom?: boolean;
}

const minPeers = 3;
const maxPeers = 50;

export function demoCommand(run: RunCommand): Command {
  return command('demo', 'starts a network of peers on this machine and shows what it does', 'chordial demo --peers 7')
    .addOption(new Option('--peers <n>', 'how many').default('7'))
    .option('--once', 'end after the steps; exit 0 only if all succeeded')
    .option('--classroom', 'the ring 2 4 5 8 9 14 19 of 256 places, which then takes lines such as: join 25 4 10')
    .action(async (options: DemoOptions) => {
      const peers = parseWhole(options.peers, '--peers', minPeers, maxPeers);
      const wanted = { peers, once: options.once === true, json: options.json === true };
      if (options.classroom === true)
        process.exitCode = await (await import('./run-classroom.ts')).runClassroom(wanted, run);
      else await (await import('./run-demo.ts')).runDemo(wanted);
    });
}
