/** `chordial shell`: everything from one prompt, typed or chosen from a menu; over a pipe a command per line. */
import { readdirSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import { defaultDataFolder } from '../node/configuration.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { report } from './failure.ts';
import { say } from './output.ts';
import type { PeerOptions } from './running-peer.ts';
import { chooseVerb } from './shell-menu.ts';
import { ShellSession } from './shell-session.ts';
import { type Verb, verbOf, verbs, verbsBeginning } from './shell-verbs.ts';
import { wordsOfLine } from './shell-words.ts';
import { fields } from './table.ts';

const maximumHistoryLines = 500;

/** How the shell carries out a command: as `chordial` with these arguments; resolves with the exit code. */
export type RunCommand = (argv: readonly string[]) => Promise<number>;

export function shellCommand(run: RunCommand): Command {
  return peerCommand('shell', 'a prompt for everything, with a menu', 'chordial shell').action(
    async (options: CommonOptions & PeerOptions) => {
      const session = new ShellSession(options, run);
      try {
        await session.open();
        const failures = process.stdin.isTTY ? await converse(session, options) : await readLines(session);
        process.exitCode = failures > 0 ? 1 : 0;
      } finally {
        await session.close();
      }
    },
  );
}

/** A terminal: prompt, completion, history; an empty line opens the menu. Failures were seen, and do not count. */
async function converse(session: ShellSession, { data }: PeerOptions): Promise<number> {
  const historyFile = path.join(path.resolve(data ?? defaultDataFolder()), 'shell-history');
  const history = await historyIn(historyFile);
  say('Type a command, or press Enter for the menu. "help" lists the commands, "quit" ends.');
  for (;;) {
    const line = await ask(history);
    if (line === null) return 0;
    const words = line.trim() === '' ? await chooseVerb(verbs) : line;
    if (words === null) continue;
    if (typeof words === 'string') {
      history.unshift(words.trim());
      await appendFile(historyFile, `${words.trim()}\n`, { mode: 0o600 }).catch(() => undefined);
    }
    if ((await carryOut(session, words)) === 'quit') return 0;
  }
}

/** One line, or null at the end of input. The interface is closed again, so that menus and commands have the terminal. */
async function ask(history: readonly string[]): Promise<string | null> {
  const prompt = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: history.slice(0, maximumHistoryLines) as string[],
    completer: (line: string) => complete(line),
  });
  const ended = new AbortController();
  prompt.once('close', () => ended.abort());
  prompt.once('SIGINT', () => prompt.close());
  try {
    return await prompt.question('chordial> ', { signal: ended.signal });
  } catch (error) {
    if (ended.signal.aborted) return null;
    throw error;
  } finally {
    prompt.close();
  }
}

/** A pipe: a command per line; all are tried, and the shell fails when one failed. */
async function readLines(session: ShellSession): Promise<number> {
  let failures = 0;
  const lines: Interface = createInterface({ input: process.stdin });
  for await (const line of lines) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const outcome = await carryOut(session, line);
    if (outcome === 'quit') break;
    if (outcome === 'failed') failures += 1;
  }
  lines.close();
  return failures;
}

/** Words as typed, or as chosen in the menu. */
async function carryOut(session: ShellSession, typed: string | readonly string[]): Promise<'done' | 'failed' | 'quit'> {
  try {
    const words = typeof typed === 'string' ? wordsOfLine(typed) : typed;
    const found = verbOf(words);
    if (found === null) {
      throw new ChordialError('bad-usage', `There is no command ${JSON.stringify(words[0] ?? '')}. "help" lists them.`);
    }
    if (found.verb.name === 'quit') return 'quit';
    return (await carryOutVerb(session, found.verb, found.rest)) === 0 ? 'done' : 'failed';
  } catch (error) {
    report(error, false, (text) => process.stderr.write(text));
    return 'failed';
  }
}

/** Resolves with the exit code that the same command would have. */
async function carryOutVerb(session: ShellSession, verb: Verb, rest: readonly string[]): Promise<number> {
  if (verb.name === 'help') say(fields(verbs.map(({ usage, about }): [string, string] => [usage, about])));
  else if (verb.name === 'join') await session.join(rest);
  else if (verb.name === 'fingers') await session.fingers();
  else if (verb.name === 'neighbours') await session.neighbours();
  else if (verb.name === 'put') return runCommand(session, ['put', ...(await filesOf(session, rest))]);
  else if (verb.command !== null) return runCommand(session, verb.command(rest));
  return 0;
}

async function filesOf(session: ShellSession, words: readonly string[]): Promise<readonly string[]> {
  return Promise.all(words.map(async (word) => (await session.numberAsFile(word)) ?? word));
}

/** Options stand before "--", which ends them. */
async function runCommand(session: ShellSession, [name = '', ...rest]: readonly string[]): Promise<number> {
  process.exitCode = undefined;
  return session.run([name, '--api', session.client.url, ...rest]);
}

function complete(line: string): [string[], string] {
  const space = line.lastIndexOf(' ');
  if (space < 0) return [verbsBeginning(line).map((verb) => `${verb} `), line];
  const word = line.slice(space + 1);
  const folder = word.includes('/') ? word.slice(0, word.lastIndexOf('/') + 1) : '';
  try {
    const entries = readdirSync(folder === '' ? '.' : folder, { withFileTypes: true });
    const names = entries.map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`);
    return [names.filter((name) => name.startsWith(word)).map((name) => name.replaceAll(' ', '\\ ')), word];
  } catch {
    // A folder that is not there completes to nothing.
    return [[], word];
  }
}

async function historyIn(file: string): Promise<string[]> {
  try {
    return (await readFile(file, 'utf8')).trim().split('\n').slice(-maximumHistoryLines).reverse();
  } catch {
    // The first time there is none.
    return [];
  }
}
