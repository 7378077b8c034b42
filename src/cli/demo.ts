/** `chordial demo`: a network of real processes, shown step by step. */
import { type Command, Option } from 'commander';
import { parseWhole } from '../node/quantities.ts';
import { type CommonOptions, command } from './command.ts';

interface DemoOptions extends CommonOptions {
  readonly peers: string;
  readonly once?: boolean;
  readonly teaching?: boolean;
}

const leastPeers = 3;
const mostPeers = 50;

export function demoCommand(): Command {
  return command('demo', 'starts a network of peers on this machine and shows what it does', 'chordial demo --peers 7')
    .addOption(new Option('--peers <n>', 'how many').default('7'))
    .option('--once', 'end after the steps; exit 0 only if all held')
    .option('--teaching', 'a small ring with ids from 0 to 255 in place of 256-bit ones')
    .action(async (options: DemoOptions) => {
      const peers = parseWhole(options.peers, '--peers', leastPeers, mostPeers);
      const { runDemo } = await import('./run-demo.ts');
      await runDemo({
        peers,
        once: options.once === true,
        teaching: options.teaching === true,
        json: options.json === true,
      });
    });
}
