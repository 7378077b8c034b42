/** One run of the command line to its end. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { product, root } from '../results.ts';

/** Of the sources, or of the program that the gate has built from them, which starts in three quarters of the time. */
export const launcher = process.env['CHORDIAL_TEST_LAUNCHER'] ?? path.join(product, 'bin/chordial');

export interface CommandResult {
  readonly exit: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Standard output as text. */
  readonly text: string;
  /** Standard output as JSON; throws when it is none. */
  json<T>(): T;
}

export interface CommandOptions {
  readonly input?: Uint8Array | string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly folder?: string;
  readonly deadlineMilliseconds?: number;
}

/** Without settings of the user's account or shell, so that no peer or config file of the machine is used. */
export function environmentAt(home: string): NodeJS.ProcessEnv {
  const foreign = /^(?:CHORDIAL_(?!TEST_)|XDG_|npm_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), HOME: home, NO_COLOR: '1' };
}

const defaultDeadlineMilliseconds = 60_000;

/** Killed when it is not done by the deadline; its exit is then null. */
export async function runCommand(
  command: readonly string[],
  options: CommandOptions = {},
  started: (pid: number) => void = () => undefined,
): Promise<CommandResult> {
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, {
    cwd: options.folder ?? root,
    env: options.environment ?? process.env,
    timeout: options.deadlineMilliseconds ?? defaultDeadlineMilliseconds,
    killSignal: 'SIGKILL',
  });
  if (child.pid !== undefined) started(child.pid);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => out.push(piece));
  child.stderr.on('data', (piece: Buffer) => err.push(piece));
  // A program that does not read its input closes the pipe, which is not a failure.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const exit = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const stdout = Buffer.concat(out);
  return {
    exit,
    stdout,
    stderr: Buffer.concat(err).toString('utf8'),
    text: stdout.toString('utf8'),
    json: <T>() => JSON.parse(stdout.toString('utf8')) as T,
  };
}
