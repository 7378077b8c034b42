/** How a failed command ends: one plain line or a JSON object on stderr, and the exit code. */
import { CommanderError } from 'commander';
import { ChordialError } from '../errors.ts';
import { plain } from './table.ts';

/** Returns the exit code: 1 failed, 2 wrong usage, 3 not found; 0 for --help and --version. */
export function report(error: unknown, json: boolean, write: (text: string) => void): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    write(line('bad-usage', usageMessage(error), json));
    return 2;
  }
  if (error instanceof ChordialError) {
    write(line(error.code, error.message, json, error.details));
    return error.exit;
  }
  const bug = error instanceof Error ? (error.stack ?? error.message) : String(error);
  write(line('internal', `this is a bug in Chordial, please report it with what follows. ${bug}`, json));
  return 1;
}

function line(code: string, message: string, json: boolean, details: ChordialError['details'] = {}): string {
  if (json) return `${JSON.stringify({ error: { code, message, ...details } })}\n`;
  return `chordial: ${code === 'internal' ? message : plain(message)}\n`;
}

function usageMessage({ code, message }: CommanderError): string {
  // Without a command commander prints the help as its error.
  if (code === 'commander.help') return 'no command was given. "chordial --help" lists them.';
  const help =
    code === 'commander.unknownCommand'
      ? '"chordial --help" lists the commands.'
      : '"--help" after the command shows what it takes.';
  const text = message
    .replace(/^error: /, '')
    .replace(/\n+/g, ' ')
    .trim();
  return `${text.replace(/[.]?$/, '.')} ${help}`;
}
