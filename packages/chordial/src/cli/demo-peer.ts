/** A peer of the demonstration: a `chordial start` process that never outlives its parent. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { ChordialError } from '../errors.ts';
import { tokenFile } from './api-token.ts';
import { ApiClient } from './client.ts';

interface Ready {
  readonly id: string;
  readonly ringId: string;
  readonly listen: string;
  readonly api: string;
}

const readyMilliseconds = 30_000;
/** Of the output of a peer that failed to start. */
const maxErrorCharacters = 4_000;

/** A line of `start --json` after the first: an event of the peer. */
export interface PeerLine {
  readonly event: string;
  readonly text: string;
}

/** Beside this file, however the package was installed. */
const program = path.join(import.meta.dirname, `main${path.extname(import.meta.filename)}`);

export class DemoPeer {
  readonly ready: Ready;
  readonly client: ApiClient;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, exited: Promise<unknown>, ready: Ready, token: string) {
    this.#child = child;
    this.#exited = exited;
    this.ready = ready;
    this.client = new ApiClient(`http://${ready.api}`, { token });
  }

  /** `tell` receives events of the peer from its start. */
  static async start(data: string, flags: readonly string[], tell?: (line: PeerLine) => void): Promise<DemoPeer> {
    const args = ['start', '--json', '--listen', '127.0.0.1:0', '--api', '127.0.0.1:0', '--data', data, ...flags];
    const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: childEnvironment(),
      // Ctrl-C in the terminal goes to the demonstration alone, which then stops its peers.
      detached: true,
    });
    const exited = once(child, 'exit');
    try {
      const lines = createInterface(child.stdout);
      // Several lines may arrive with the first.
      if (tell !== undefined) lines.once('line', () => lines.on('line', (line) => hand(line, tell)));
      const ready = await readyOf(child, lines, exited);
      const token = (await readFile(path.join(data, tokenFile), 'utf8')).trim();
      return new DemoPeer(child, exited, ready, token);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Like Ctrl-C; killed when it takes longer. */
  async stop(withinMilliseconds: number): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill('SIGTERM');
    await this.#ended(withinMilliseconds);
  }

  /** Hands everything over to the others and ends the process. */
  async leave(withinMilliseconds: number): Promise<void> {
    await this.client.call('POST /api/v1/node/leave', { body: { force: false } });
    await this.#ended(withinMilliseconds);
  }

  async #ended(withinMilliseconds: number): Promise<void> {
    const patience = setTimeout(() => this.killNow(), withinMilliseconds);
    await this.#exited;
    clearTimeout(patience);
  }

  /** Last resort when this process exits. */
  killNow(): void {
    if (this.isRunning) this.#child.kill('SIGKILL');
  }
}

async function readyOf(
  { stderr }: ChildProcessWithoutNullStreams,
  lines: Interface,
  exited: Promise<unknown>,
): Promise<Ready> {
  let told = '';
  stderr.on('data', (text: Buffer) => {
    told = (told + text.toString('utf8')).slice(-maxErrorCharacters);
  });
  const patience = AbortSignal.timeout(readyMilliseconds);
  const line = await Promise.race([
    once(lines, 'line', { signal: patience }).then(([first]) => String(first)),
    exited.then(() => null),
  ]).catch((cause) => {
    throw new ChordialError('timeout', `A peer was not ready within ${readyMilliseconds / 1000} s. ${told.trim()}`, {
      cause,
    });
  });
  if (line === null) throw new ChordialError('internal', `A peer ended before it was ready. ${told.trim()}`);
  return JSON.parse(line) as Ready;
}

/** A killed peer may leave half a line. */
function hand(line: string, tell: (line: PeerLine) => void): void {
  let told: PeerLine;
  try {
    told = JSON.parse(line) as PeerLine;
  } catch {
    return;
  }
  tell(told);
}

/** Settings of the user's own peer must not reach those of the demonstration. */
function childEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('CHORDIAL_'));
  return { ...Object.fromEntries(kept), CHORDIAL_STOP_WITH_INPUT: '1' };
}
