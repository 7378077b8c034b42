/** Standard output and error of a command. Results go to stdout, everything else to stderr. */
import { ChordialError } from '../errors.ts';
import { report } from './failure.ts';
import { plain } from './table.ts';

export function say(text: string): void {
  print(`${text}\n`);
}

export function sayJson(value: unknown): void {
  print(`${JSON.stringify(value)}\n`);
}

export function note(text: string): void {
  process.stderr.write(`chordial: ${plain(text)}\n`);
}

function print(text: string): void {
  process.stdout.write(text);
}

let isWatched = false;

/** A full disk or a reader that went away is reported once in one line and never ends the process by itself. */
export function watchOutput(json: boolean): void {
  if (isWatched) return;
  isWatched = true;
  let isTold = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isTold || hasAll(error)) return;
    isTold = true;
    process.exitCode = report(outputFailure(error), json, (text) => process.stderr.write(text));
  });
  // There is nowhere left to report it.
  process.stderr.on('error', () => {
    process.exitCode = 1;
  });
}

/** A reader that went away, such as head, has all it wanted. */
export function hasAll({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE';
}

export function outputFailure(error: NodeJS.ErrnoException): ChordialError {
  return new ChordialError(
    'unwritable-file',
    `Standard output cannot be written (${error.message}). Make room there, or send it elsewhere.`,
    { cause: error },
  );
}

/** By the clock on the wall of this machine: `8 Dec 2026, 18:00`. */
export function dateOf(time: string): string {
  const parts = { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
  return new Date(time).toLocaleString('en-GB', parts);
}
