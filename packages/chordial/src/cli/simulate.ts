/** `chordial simulate`: runs many peers on a virtual network and measures lookups or searches. Needs no running peer. */
import type { Command } from 'commander';
import { paperNames, runPaper } from '../../simulation/papers/tables.ts';
import { runSimulation } from '../../simulation/run.ts';
import { runSearchSimulation } from '../../simulation/search/run-search.ts';
import { ChordialError } from '../errors.ts';
import { command } from './command.ts';
import { say } from './output.ts';

interface SimulateFlags {
  readonly peers: number;
  readonly seed: number;
  readonly churn: number;
  readonly virtualNodes: number;
  readonly successors: number;
  readonly bits: number;
  readonly loss: number;
  readonly lookups: number;
  readonly minutes: number;
  readonly cache?: boolean;
  readonly paper?: string;
  readonly search?: boolean;
  readonly files?: number;
  readonly queries: number;
  readonly json?: boolean;
}

export function simulateCommand(): Command {
  return command('simulate', 'runs many peers on a virtual network', 'chordial simulate --peers 1000 --seed 1')
    .option('--peers <n>', 'peers in the network', numberOf('--peers'), 1000)
    .option('--seed <n>', 'the same seed gives the same run', numberOf('--seed'), 1)
    .option('--churn <rate>', 'joins plus crashes per second', numberOf('--churn'), 0)
    .option('--virtual-nodes <v>', 'members of each peer', numberOf('--virtual-nodes'), 1)
    .option('--successors <s>', 'length of a successor list', numberOf('--successors'), 16)
    .option('--bits <m>', 'bits of an identifier', numberOf('--bits'), 64)
    .option('--loss <p>', 'probability that a message is lost', numberOf('--loss'), 0)
    .option('--lookups <k>', 'lookups measured', numberOf('--lookups'), 2000)
    .option('--minutes <t>', 'virtual minutes over which they are spread', numberOf('--minutes'), 1)
    .option('--cache', 'with the membership cache and parallel asks, as peers run by default')
    .option('--paper <table>', `a table of the papers beside ours: ${paperNames.join(', ')}`)
    .option('--search', 'searches by words and by broadcast beside flooding, instead of lookups')
    .option('--files <f>', 'with --search: files on all peers together (default: ten a peer)', numberOf('--files'))
    .option(
      '--queries <q>',
      'with --search: queries by words, and a tenth as many broadcasts',
      numberOf('--queries'),
      200,
    )
    .action(async (flags: SimulateFlags, made: Command) => {
      if (flags.search === true) {
        await runSearchSimulation(flags, say);
        return;
      }
      if (flags.paper === undefined) {
        runSimulation(flags, say);
        return;
      }
      // The default of --lookups is for one network, not for a table.
      const lookups = made.getOptionValueSource('lookups') === 'default' ? {} : { lookups: flags.lookups };
      runPaper({ paper: flags.paper, seed: flags.seed, ...lookups, json: flags.json ?? false }, say);
    });
}

function numberOf(flag: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value)) return value;
    throw new ChordialError('bad-usage', `${flag} takes a number, not "${text}".`);
  };
}
