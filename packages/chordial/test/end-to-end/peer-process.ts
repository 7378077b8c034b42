/** One real peer: a process of `chordial start --json`, its ready line, its lines since, and its API. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { runtimeFile, runtimeFolder } from '../../src/storage/runtime-folder.ts';
import { within } from '../fixtures/until.ts';

/** The first line of `start --json`. */
export interface ReadyLine {
  readonly event: 'ready';
  readonly pid: number;
  readonly id: string;
  readonly ringId: string;
  readonly network: string;
  readonly listen: string;
  readonly api: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Launch {
  readonly command: readonly string[];
  readonly dataFolder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly readyMilliseconds: number;
  /** Given on standard input; none unless given. */
  readonly input?: string;
}

const stopMilliseconds = 40_000;
const killMilliseconds = 5_000;
const requestMilliseconds = 30_000;
/** Most recent output kept for failure messages. */
const maxKeptLines = 2_000;

export class PeerProcess {
  readonly dataFolder: string;
  /** Its note for programs of the same user. */
  readonly runtimeFolder: string;
  readonly pid: number;
  /** Lines on standard output after the ready line, as they came. */
  readonly lines: string[] = [];
  readonly errorLines: string[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #ready: ReadyLine | null = null;
  #token: string | null = null;

  private constructor(child: ChildProcess, pid: number, { dataFolder, environment }: Launch) {
    this.#child = child;
    this.pid = pid;
    this.dataFolder = dataFolder;
    this.runtimeFolder =
      environment['XDG_RUNTIME_DIR'] === undefined && environment['HOME'] !== undefined
        ? path.join(environment['HOME'], '.local/state/chordial/run')
        : runtimeFolder(environment);
    this.exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Exit);
  }

  /** `started` is told the pid at once, before the peer is ready. */
  static async launch(launch: Launch, started: (peer: PeerProcess) => void): Promise<PeerProcess> {
    const [program = '', ...rest] = launch.command;
    const child = spawn(program, rest, {
      stdio: [launch.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: launch.environment,
    });
    child.stdin?.end(launch.input);
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error];
      throw error;
    }
    const peer = new PeerProcess(child, child.pid, launch);
    started(peer);
    await peer.#awaitReady(launch.readyMilliseconds);
    return peer;
  }

  get ready(): ReadyLine {
    if (this.#ready === null) throw new Error(`peer ${this.pid} is not ready`);
    return this.#ready;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The API's address as a URL without a slash at its end. */
  get apiUrl(): string {
    const { api } = this.ready;
    return (/^https?:/.test(api) ? api : `http://${api}`).replace(/\/$/, '');
  }

  /** `route` begins with a slash: `/api/v1/node`, `/healthz`. */
  request(route: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${this.token}`);
    return fetch(`${this.apiUrl}${route}`, { signal: AbortSignal.timeout(requestMilliseconds), ...init, headers });
  }

  /** Of its API; as a peer leaves it in its data folder, which only the peer may see where it has a disk of its own. */
  get token(): string {
    if (this.#token !== null) return this.#token;
    const file = path.join(this.dataFolder, 'api-token');
    const found = [file, path.join('/proc', String(this.pid), 'root', file)].find(existsSync);
    if (found === undefined) return '';
    this.#token = readFileSync(found, 'utf8').trim();
    return this.#token;
  }

  /** A link to a place of its page, good once. */
  async pageLink(place = '/'): Promise<string> {
    const link = await this.request('/api/v1/session/links', { method: 'POST' });
    const { token } = (await link.json()) as { token: string };
    return `${this.apiUrl}${place}#t=${token}`;
  }

  /** The JSON of a GET that must succeed. */
  async json<T>(route: string): Promise<T> {
    const response = await this.request(route);
    const text = await response.text();
    if (!response.ok) throw new Error(`GET ${route} at ${this.apiUrl}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** As a power cut: no goodbye, nothing flushed. */
  async kill9(): Promise<Exit> {
    return this.#end('SIGKILL', killMilliseconds);
  }

  /** As Ctrl-C: away, to come back. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Exit> {
    return this.#end(signal, stopMilliseconds);
  }

  /** What only programs of its user can read: a program that sends it may name paths. */
  async key(): Promise<string> {
    const note = await readFile(path.join(this.runtimeFolder, runtimeFile(this.ready.api, '.api')), 'utf8');
    return (JSON.parse(note) as { localKey: string }).localKey;
  }

  describe(): string {
    const tail = (lines: readonly string[]): string => lines.slice(-30).join('\n  ');
    return `peer ${this.pid}\n stdout:\n  ${tail(this.lines)}\n stderr:\n  ${tail(this.errorLines)}`;
  }

  async #end(signal: NodeJS.Signals, deadlineMilliseconds: number): Promise<Exit> {
    if (this.running) this.#child.kill(signal);
    return within(`${signal} ends ${this.describe()}`, this.exited, deadlineMilliseconds);
  }

  async #awaitReady(deadlineMilliseconds: number): Promise<void> {
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('the peer was started without pipes');
    const first = Promise.withResolvers<string>();
    createInterface(stdout).on('line', (line) => {
      if (this.#ready === null && this.lines.length === 0) first.resolve(line);
      keep(this.lines, line);
    });
    createInterface(stderr).on('line', (line) => keep(this.errorLines, line));
    const early = this.exited.then(({ code, signal }) => {
      throw new Error(`ended with ${code ?? signal} before its ready line: ${this.describe()}`);
    });
    early.catch(() => undefined);
    const line = await within(
      `the ready line of ${this.pid}`,
      Promise.race([first.promise, early]),
      deadlineMilliseconds,
    );
    this.#ready = readyLine(line);
    this.lines.shift();
  }
}

function readyLine(line: string): ReadyLine {
  const ready = JSON.parse(line) as ReadyLine;
  if (ready.event !== 'ready') throw new Error(`the first line is not the ready line: ${line}`);
  return ready;
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > maxKeptLines) lines.shift();
}
