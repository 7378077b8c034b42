/** Shared by all commands: options to find the peer, an example in the help, and errors that are thrown. */
import { Command, Option } from 'commander';

export interface CommonOptions {
  readonly json?: boolean;
}

/** Commander throws instead of exiting and leaves errors to the caller. */
export function command(name: string, description: string, example: string): Command {
  return quiet(new Command(name))
    .description(description)
    .option('--json', 'machine-readable output')
    .addHelpText('after', `\nExample:\n  ${example}`);
}

/** For commands that need a running peer. */
export function peerCommand(name: string, description: string, example: string): Command {
  return command(name, description, example)
    .addOption(new Option('--data <dir>', 'data folder of the running peer').env('CHORDIAL_DATA'))
    .addOption(new Option('--api <url>', 'address of the running peer').env('CHORDIAL_API'));
}

export function quiet(made: Command): Command {
  return made
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true);
}
