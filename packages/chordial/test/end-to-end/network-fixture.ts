/**
 * A network of real processes in a temporary folder, cleaned up even if the test is killed:
 *
 *     await using network = await NetworkFixture.open();
 *     const [first, second, third] = await network.startRing(3);
 *     await first.request('/api/v1/files/a.txt', { method: 'PUT', body: 'hello' });
 *     await second.kill9();
 *     await until('one ring of two', () => network.isIdeal([first, third]));
 */
import { mkdir, mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type CommandOptions, type CommandResult, environmentAt, launcher, runCommand } from './command.ts';
import { PeerProcess } from './peer-process.ts';
import { ringFaults } from './ring-view.ts';
import { Watchdog } from './watchdog.ts';

export interface PeerOptions {
  /** Name of the data folder inside the fixture's; a new one by default. */
  readonly data?: string;
  readonly join?: PeerProcess | string;
  /** Started with it by `chordial join` in place of `start`. */
  readonly invite?: string;
  /** Given on standard input. */
  readonly input?: string;
  readonly listen?: string;
  readonly api?: string;
  /** Further flags of `chordial start`. */
  readonly flags?: readonly string[];
  /** Added to that of the fixture. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly readyMilliseconds?: number;
  /** Put before the command, to start it in a namespace. */
  readonly enter?: readonly string[];
}

/** A machine that does much else at the same time may take ten times as long as an idle one. */
const defaultReadyMilliseconds = 60_000;

export class NetworkFixture implements AsyncDisposable {
  /** For the test's own files too; removed at the end. */
  readonly folder: string;
  readonly #watchdog: Watchdog;
  readonly #program: readonly string[];
  readonly #peers = new Set<PeerProcess>();
  #started = 0;

  private constructor(folder: string, program: readonly string[]) {
    this.folder = folder;
    this.#program = program;
    this.#watchdog = new Watchdog(folder);
  }

  /** Another program in place of `bin/chordial` serves the fixture's own test. */
  static async open(program: readonly string[] = [launcher]): Promise<NetworkFixture> {
    return new NetworkFixture(await mkdtemp(path.join(os.tmpdir(), 'chordial-test-')), program);
  }

  /** The runtime folder, where peers find each other's invites. */
  get runtimeFolder(): string {
    return path.join(this.folder, 'home', '.local', 'state', 'chordial', 'run');
  }

  /** Resolves when the peer is a member and serves. */
  async start(options: PeerOptions = {}): Promise<PeerProcess> {
    this.#started += 1;
    const dataFolder = path.join(this.folder, options.data ?? `peer-${this.#started}`);
    const flags = ['--listen', options.listen ?? '127.0.0.1:0', '--api', options.api ?? '127.0.0.1:0'];
    if (options.join !== undefined) flags.push('--join', addressOf(options.join));
    const verb = options.invite === undefined ? ['start'] : ['join', options.invite];
    const launch = {
      command: [
        ...(options.enter ?? []),
        ...this.#program,
        ...verb,
        '--json',
        '--data',
        dataFolder,
        ...flags,
        ...(options.flags ?? []),
      ],
      dataFolder,
      environment: { ...(await this.environment()), ...options.environment },
      readyMilliseconds: options.readyMilliseconds ?? defaultReadyMilliseconds,
      ...(options.input === undefined ? {} : { input: options.input }),
    };
    return PeerProcess.launch(launch, (peer) => this.#watch(peer));
  }

  /** The first founds, the others join it one after the other. */
  async startRing(count: number, options: PeerOptions = {}): Promise<PeerProcess[]> {
    const first = await this.start(options);
    const peers = [first];
    while (peers.length < count) peers.push(await this.start({ ...options, join: first }));
    return peers;
  }

  /** Restarts an ended peer with the same data folder and addresses. */
  async restart(peer: PeerProcess, options: PeerOptions = {}): Promise<PeerProcess> {
    return this.start({
      data: path.relative(this.folder, peer.dataFolder),
      listen: peer.ready.listen,
      api: peer.apiUrl.replace(/^https?:\/\//, ''),
      ...options,
    });
  }

  /** Runs `chordial` with these arguments; with a peer, `--api` of that peer is added. */
  async command(args: readonly string[], peer?: PeerProcess, options: CommandOptions = {}): Promise<CommandResult> {
    const api = peer === undefined ? [] : ['--api', peer.apiUrl];
    let pid: number | null = null;
    const result = await runCommand(
      [...this.#program, ...args, ...api],
      { folder: this.folder, environment: await this.environment(), ...options },
      (started) => {
        pid = started;
        this.#watchdog.watch(started);
      },
    );
    if (pid !== null) this.#watchdog.forget(pid);
    return result;
  }

  /** Whether these peers form one ring in which every pointer is right. */
  async isIdeal(peers: readonly PeerProcess[]): Promise<boolean> {
    return (await ringFaults(peers)).length === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#peers].map((peer) => peer.kill9()));
    await this.#watchdog[Symbol.asyncDispose]();
  }

  #watch(peer: PeerProcess): void {
    this.#peers.add(peer);
    this.#watchdog.watch(peer.pid);
    void peer.exited.then(() => {
      this.#peers.delete(peer);
      this.#watchdog.forget(peer.pid);
    });
  }

  /** Of its peers and commands, which share one home. */
  async environment(): Promise<NodeJS.ProcessEnv> {
    const home = path.join(this.folder, 'home');
    await mkdir(home, { recursive: true });
    return environmentAt(home);
  }
}

function addressOf(join: PeerProcess | string): string {
  return typeof join === 'string' ? join : join.ready.listen;
}
