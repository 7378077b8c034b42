/** Standard output and error of a command. Results go to stdout; everything said about them to stderr. */
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

let isWatched = false;

function print(text: string): void {
  if (!isWatched) process.stdout.on('error', forgiveClosed);
  isWatched = true;
  process.stdout.write(text);
}

/** A reader that went away, such as head, has all that it wanted. */
function forgiveClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
