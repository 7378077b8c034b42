/** `chordial shell`: everything from one prompt, typed or chosen from a menu; over a pipe a command per line. */

import { devNull } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { isCancel, select, text } from '@clack/prompts';
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { report } from './failure.ts';
import { say } from './output.ts';
import { dataFolderOf, type PeerOptions } from './running-peer.ts';
import { ShellPrompt } from './shell-prompt.ts';
import { type RunCommand, ShellSession } from './shell-session.ts';
import { type Verb, verbOf, verbs } from './shell-verbs.ts';
import { wordsOfLine } from './shell-words.ts';
import { fields } from './table.ts';

export function shellCommand(run: RunCommand): Command {
  return peerCommand('shell', 'a prompt for everything, with a menu', 'chordial shell').action(
    async (options: CommonOptions & PeerOptions) => {
      const session = new ShellSession(options, run);
      try {
        await session.open();
        const failures = process.stdin.isTTY
          ? await converse(session, await ShellPrompt.open(historyFileIn(options)))
          : (await readLines(session)).failures;
        process.exitCode = failures > 0 ? 1 : 0;
      } finally {
        await session.close();
      }
    },
  );
}

function historyFileIn(options: PeerOptions): string {
  const folder = dataFolderOf(options);
  return folder === null ? devNull : path.join(folder, 'shell-history');
}

/**
 * A terminal: prompt, completion, history; an empty line opens the menu. Failures are visible and do not affect the
 * exit code.
 */
export async function converse(session: ShellSession, prompt: ShellPrompt): Promise<number> {
  say('Type a command, or press Enter for the menu. "help" lists the commands, "quit" ends.');
  for (;;) {
    const line = await prompt.ask();
    if (line === null) return 0;
    const words = line.trim() === '' ? await chooseVerb(verbs) : line;
    if (words === null) continue;
    if (typeof words === 'string') await prompt.remember(words.trim());
    if ((await carryOut(session, words)) === 'quit') return 0;
  }
}

export interface LinesRead {
  readonly failures: number;
  /** Whether the last line was quit; otherwise the input ended, or the signal fired. */
  readonly hasQuit: boolean;
}

/** A pipe: a command per line; all are tried, and the shell fails when one failed. */
export async function readLines(session: ShellSession, signal?: AbortSignal): Promise<LinesRead> {
  let failures = 0;
  let hasQuit = false;
  const lines = createInterface({ input: process.stdin, ...(signal === undefined ? {} : { signal }) });
  for await (const line of lines) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const outcome = await carryOut(session, line);
    hasQuit = outcome === 'quit';
    if (hasQuit) break;
    if (outcome === 'failed') failures += 1;
  }
  lines.close();
  return { failures, hasQuit };
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

/** Resolves with the exit code of the command. */
async function carryOutVerb(session: ShellSession, verb: Verb, rest: readonly string[]): Promise<number> {
  if (verb.name === 'help') say(fields(verbs.map(({ usage, about }): [string, string] => [usage, about])));
  else if (verb.name === 'join') await session.join(rest);
  else if (verb.name === 'leave') return leave(session, rest);
  else if (verb.name === 'kill') await session.kill(rest[0]);
  else if (verb.name === 'fingers') await session.fingers();
  else if (verb.name === 'neighbours') await session.neighbours();
  else if (verb.name === 'put') return runCommand(session, ['put', ...(await filesOf(session, rest))]);
  else if (verb.command !== null) return runCommand(session, verb.command(rest));
  return 0;
}

/** With an id, that peer of a teaching ring leaves, else the one that the shell uses. */
async function leave(session: ShellSession, rest: readonly string[]): Promise<number> {
  const [id] = rest;
  if (id === undefined || id.startsWith('-')) return runCommand(session, ['leave', ...rest]);
  await session.leave(id);
  return 0;
}

async function filesOf(session: ShellSession, words: readonly string[]): Promise<readonly string[]> {
  return Promise.all(words.map(async (word) => (await session.numberAsFile(word)) ?? word));
}

/** Options precede "--", which ends them. */
async function runCommand(session: ShellSession, [name = '', ...rest]: readonly string[]): Promise<number> {
  process.exitCode = undefined;
  return session.run([name, '--api', session.client.url, ...rest]);
}

/** The verb and its arguments as words; null when cancelled. */
export async function chooseVerb(verbs: readonly Verb[]): Promise<readonly string[] | null> {
  const options = verbs.map(({ name, about }) => ({ value: name, label: name, hint: about }));
  const chosen = await select({ message: 'What to do?', options, maxItems: 12 });
  const verb = verbs.find(({ name }) => name === chosen);
  if (isCancel(chosen) || verb === undefined) return null;
  const words: string[] = [verb.name];
  for (const { text: message, placeholder, isOptional = false } of verb.asks) {
    const answer = await text({
      message,
      placeholder,
      validate: (given) => (isOptional || (given ?? '').trim() !== '' ? undefined : 'It is required.'),
    });
    if (isCancel(answer)) return null;
    if (answer.trim() !== '') words.push(answer.trim());
  }
  return words;
}
