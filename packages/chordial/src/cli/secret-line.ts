/** Reads secret lines from the terminal or elsewhere, so that no argument holds them. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
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

/** Asked twice on a terminal, where nothing of it is shown; else all of standard input without its line end. Throws `bad-usage`. */
export async function askForNewSecret(question: string): Promise<string> {
  const secret = await askForSecret(question);
  if (secret === '') throw new ChordialError('bad-usage', 'The password is empty. Type one, or leave --password out.');
  if (process.stdin.isTTY && (await askForSecret('Once more: ')) !== secret)
    throw new ChordialError('bad-usage', 'The two passwords differ. Try again.');
  return secret;
}

/** The same, once. */
export async function askForSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await readAll(process.stdin)).replace(/\r?\n$/, '');
  process.stderr.write(question);
  const output = new Writable({ write: (_bytes, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output, terminal: true });
  const closed = Promise.withResolvers<never>();
  prompt.once('close', () => closed.reject(new ChordialError('interrupted', 'No password was given.')));
  try {
    return await Promise.race([prompt.question(''), closed.promise]);
  } finally {
    closed.promise.catch(() => undefined);
    prompt.close();
    process.stderr.write('\n');
  }
}
