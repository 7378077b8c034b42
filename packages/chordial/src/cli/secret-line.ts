/** Reads secret lines from the terminal or elsewhere, so that no argument holds them. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { ChordialError } from '../errors.ts';

/** The longest line, wrapped by a mail program. */
const maxBytes = 64 * 1024;

/** From the terminal, or all of standard input without one. */
export async function askForLine(question: string): Promise<string> {
  if (!process.stdin.isTTY) return readAll(process.stdin);
  const prompt = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  try {
    return await prompt.question(question);
  } finally {
    prompt.close();
  }
}

/** Throws `unreadable-file`. */
export async function lineIn(file: string): Promise<string> {
  try {
    return await readAll(createReadStream(file));
  } catch (cause) {
    if (cause instanceof ChordialError) throw cause;
    throw new ChordialError('unreadable-file', `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/** Throws `bad-usage` for input that is too long. */
export async function readAll(input: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of input) {
    bytes += part.length;
    if (bytes > maxBytes) {
      throw new ChordialError('bad-usage', `More than ${maxBytes} bytes were given where one line is wanted.`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
