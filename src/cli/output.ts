/** Standard output and error of a command. Results go to stdout; everything said about them to stderr. */
import { plain } from './table.ts';

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function sayJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function note(text: string): void {
  process.stderr.write(`chordial: ${plain(text)}\n`);
}
