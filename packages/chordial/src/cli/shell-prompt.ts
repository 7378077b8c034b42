/** The prompt of the shell in a terminal: history, completion, and lines printed while the user types. */
import { isUtf8 } from 'node:buffer';
import { constants, readdirSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { clearLine, cursorTo } from 'node:readline';
import { createInterface, type Interface } from 'node:readline/promises';
import { readSmallFile } from '../storage/small-file.ts';
import { say } from './output.ts';
import { verbsBeginning } from './shell-verbs.ts';

const maxHistoryLines = 500;
const maxHistoryBytes = 16 * 1024 * 1024;
/** A pipe does not block it. */
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

export class ShellPrompt {
  readonly #historyFile: string;
  readonly #history: string[];
  readonly #signal: AbortSignal | null;
  #open: Interface | null = null;

  private constructor(historyFile: string, history: string[], signal: AbortSignal | null) {
    this.#historyFile = historyFile;
    this.#history = history;
    this.#signal = signal;
  }

  /** The signal ends the input. */
  static async open(historyFile: string, signal: AbortSignal | null = null): Promise<ShellPrompt> {
    return new ShellPrompt(historyFile, await historyIn(historyFile), signal);
  }

  /** One line, or null at the end of input. The interface is closed again, so that menus and commands have the terminal. */
  async ask(): Promise<string | null> {
    if (this.#signal?.aborted) return null;
    const prompt = createInterface({
      input: process.stdin,
      output: process.stdout,
      history: this.#history.slice(0, maxHistoryLines),
      completer: (line: string) => complete(line),
    });
    const ended = new AbortController();
    const close = (): void => prompt.close();
    prompt.once('close', () => ended.abort());
    prompt.once('SIGINT', close);
    this.#signal?.addEventListener('abort', close);
    this.#open = prompt;
    try {
      return await prompt.question('chordial> ', { signal: ended.signal });
    } catch (error) {
      if (ended.signal.aborted) return null;
      throw error;
    } finally {
      this.#open = null;
      this.#signal?.removeEventListener('abort', close);
      close();
    }
  }

  async remember(line: string): Promise<void> {
    this.#history.unshift(line);
    // The shell works without its history.
    await appendFile(this.#historyFile, `${line}\n`, { mode: 0o600, flag: appending }).catch(() => undefined);
  }

  /** Prints a line above what is being typed. */
  interject(text: string): void {
    if (this.#open !== null) {
      clearLine(process.stdout, 0);
      cursorTo(process.stdout, 0);
    }
    say(text);
    this.#open?.prompt(true);
  }
}

function complete(line: string): [string[], string] {
  const space = line.lastIndexOf(' ');
  if (space < 0) return [verbsBeginning(line).map((verb) => `${verb} `), line];
  const word = line.slice(space + 1);
  const folder = word.includes('/') ? word.slice(0, word.lastIndexOf('/') + 1) : '';
  try {
    const entries = readdirSync(folder === '' ? '.' : folder, { withFileTypes: true, encoding: 'buffer' });
    // A name that is not UTF-8 cannot be typed here.
    const typed = entries.filter((entry) => isUtf8(entry.name));
    const names = typed.map((entry) => `${folder}${entry.name.toString()}${entry.isDirectory() ? '/' : ''}`);
    return [names.filter((name) => name.startsWith(word)).map((name) => name.replaceAll(' ', '\\ ')), word];
  } catch {
    // A missing folder completes to nothing.
    return [[], word];
  }
}

async function historyIn(file: string): Promise<string[]> {
  try {
    return (await readSmallFile(file, maxHistoryBytes)).toString().trim().split('\n').slice(-maxHistoryLines).reverse();
  } catch {
    // There is none the first time.
    return [];
  }
}
